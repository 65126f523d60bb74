/**
 * The little of protocol buffers that Kademlia's messages need: varints and
 * bytes. Fields that are not known are skipped.
 *
 * https://protobuf.dev/programming-guides/encoding/
 *
 * @module
 */

import { pushVarint } from "./frames.ts";

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** One field: a number or bytes. */
export interface Field {
  /** Its number in the message. */
  readonly number: number;
  /** A varint, or bytes. */
  readonly value: number | Uint8Array;
}

/**
 * Writes a message.
 *
 * @param fields In order; numbers are whole, from 0 to 2^31
 * @returns Its bytes
 */
export function encodeFields(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const { number, value } of fields) {
    if (typeof value === "number") {
      pushVarint(bytes, number << 3 | VARINT);
      pushVarint(bytes, value);
      continue;
    }
    pushVarint(bytes, number << 3 | BYTES);
    pushVarint(bytes, value.length);
    for (const byte of value) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads a message.
 *
 * @param bytes The message
 * @yields Its fields; bytes are a view of the message
 * @throws {SyntaxError} If it is none
 */
export function* decodeFields(bytes: Uint8Array): Iterable<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    // Ten bytes are the longest varint; what is above 2^32 is no length here.
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new SyntaxError("Cannot read a message: it ends in a number");
  };
  const take = (length: number) => {
    at += length;
    if (at <= bytes.length) return bytes.subarray(at - length, at);
    throw new SyntaxError("Cannot read a message: it ends in a field");
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        yield { number, value: varint() };
        break;
      case BYTES:
        yield { number, value: take(varint()) };
        break;
      case FIXED64:
        take(8);
        break;
      case FIXED32:
        take(4);
        break;
      default:
        throw new SyntaxError("Cannot read a message: a field has no type");
    }
  }
}
