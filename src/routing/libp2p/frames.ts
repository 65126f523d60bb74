/**
 * Messages on a stream of bytes: each after its length as a varint, as libp2p's
 * protocols have it.
 *
 * https://github.com/multiformats/unsigned-varint
 *
 * @module
 */

/** A varint of more bytes than this is no length that is allowed here. */
const MAX_LENGTH_BYTES = 4;

/**
 * Writes a number as a varint.
 *
 * @param bytes Where it is appended
 * @param value A whole number from 0 to 2^31
 */
export function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push(rest & 0x7f | 0x80);
  bytes.push(rest);
}

/**
 * Puts messages one after another, each behind its length.
 *
 * @param messages What is sent
 * @returns The bytes of all of them
 */
export function framed(messages: readonly Uint8Array[]): Uint8Array {
  const heads = messages.map(({ length }) => {
    const head: number[] = [];
    pushVarint(head, length);
    return head;
  });
  let size = 0;
  messages.forEach((message, i) => {
    size += message.length + (heads[i]?.length ?? 0);
  });
  const bytes = new Uint8Array(size);
  let at = 0;
  messages.forEach((message, i) => {
    const head = heads[i] ?? [];
    bytes.set(head, at);
    bytes.set(message, at + head.length);
    at += head.length + message.length;
  });
  return bytes;
}

/**
 * Makes a reader that cuts a stream into messages.
 *
 * @param maxBytes No message may be longer
 * @param onMessage Takes each message; its bytes are valid during the call
 * @returns Takes the stream's chunks in order
 * @throws {RangeError} The reader does, when a message is longer
 */
export function frameReader(
  maxBytes: number,
  onMessage: (message: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  let rest = new Uint8Array(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : joined(rest, chunk);
    let at = 0;
    while (true) {
      const head = readLength(bytes, at);
      if (head === null) break;
      if (head.length > maxBytes) {
        throw new RangeError(`Cannot read a message of ${head.length} bytes`);
      }
      const end = head.next + head.length;
      if (end > bytes.length) break;
      onMessage(bytes.subarray(head.next, end));
      at = end;
    }
    rest = bytes.slice(at);
  };
}

/** The length at a place; null when it has not all come. */
function readLength(
  bytes: Uint8Array,
  at: number,
): { length: number; next: number } | null {
  let length = 0;
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    length |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { length, next: at + i + 1 };
  }
  throw new RangeError("Cannot read a message: its length makes no sense");
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
