/**
 * A file's bytes as a body.
 *
 * @module
 */

import { chunkStream } from "../async/chunks.ts";
import { type ByteRange, rangeLength } from "../oci/range.ts";
import { chunkSize } from "./chunk_size.ts";

/**
 * Streams a part of an open file and closes it.
 *
 * @param file Open for reading; the stream owns it from now on
 * @param part What to stream, within the file
 * @returns The bytes; the stream errors when the file is shorter than it was
 */
export function fileBody(
  file: Deno.FsFile,
  part: ByteRange,
): ReadableStream<Uint8Array> {
  const size = chunkSize();
  let left = rangeLength(part);
  let seek = part.start > 0;
  let closed = false;
  const close = () => {
    if (!closed) file.close();
    closed = true;
    size[Symbol.dispose]();
  };
  return chunkStream({
    async read() {
      try {
        if (left === 0) close();
        if (closed) return null;
        if (seek) await file.seek(part.start, Deno.SeekMode.Start);
        seek = false;
        const chunk = new Uint8Array(Math.min(left, size.bytes()));
        const read = await file.read(chunk);
        if (read === null) throw new Error("Cannot read on: the file is short");
        left -= read;
        if (left === 0) close(); // Nobody need ask again after the last chunk.
        return chunk.subarray(0, read);
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel() {
      close();
      return Promise.resolve();
    },
  });
}

/**
 * Reads a small file.
 *
 * @param path Where it is
 * @param size Its size in bytes, which the caller has bounded
 * @returns Its bytes
 * @throws {Error} If it is gone or shorter
 */
export async function readWhole(
  path: string,
  size: number,
): Promise<Uint8Array> {
  const file = await Deno.open(path);
  const body = fileBody(file, { start: 0, end: size - 1 });
  return await new Response(body).bytes();
}
