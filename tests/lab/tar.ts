/** Tar archives with bytes that never change, in the ustar format of POSIX. @module */

/** One regular file. */
export interface TarFile {
  name: string;
  data: Uint8Array;
}

const BLOCK_BYTES = 512;

/** The header block of a file: owner root, mode 0644, time 0. */
function header({ name, data }: TarFile): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const encoder = new TextEncoder();
  const put = (text: string, at: number) => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) =>
    value.toString(8).padStart(digits, "0");
  put(name, 0);
  put(`${octal(0o644, 7)}\0`, 100);
  put(`${octal(0, 7)}\0`, 108);
  put(`${octal(0, 7)}\0`, 116);
  put(`${octal(data.length, 11)}\0`, 124);
  put(`${octal(0, 11)}\0`, 136);
  put(" ".repeat(8), 148); // the checksum is made with blanks in its place
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** An archive of these files. */
export function tarOf(files: readonly TarFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const padding = (BLOCK_BYTES - file.data.length % BLOCK_BYTES) %
      BLOCK_BYTES;
    parts.push(header(file), file.data, new Uint8Array(padding));
  }
  parts.push(new Uint8Array(2 * BLOCK_BYTES)); // the end of an archive
  const length = parts.reduce((total, part) => total + part.length, 0);
  const archive = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}
