/**
 * Which part of content an answer holds.
 *
 * @module
 */

import { RegistryError } from "../oci/error.ts";
import {
  type ByteRange,
  type RangeRequest,
  resolveRange,
} from "../oci/range.ts";

/**
 * Fits the range of a request to content of known size.
 *
 * @param range What was asked, if anything
 * @param size Size of the whole content in bytes
 * @returns The part to answer with, or null for the whole
 * @throws {RegistryError} RANGE_INVALID (416) when no byte is in the range
 */
export function partOf(
  range: RangeRequest | undefined,
  size: number,
): ByteRange | null {
  if (!range) return null;
  const part = resolveRange(range, size);
  if (part) return part;
  throw new RegistryError("RANGE_INVALID", "the range begins behind the end", {
    headers: { "Content-Range": `bytes */${size}` },
  });
}
