/**
 * One byte range of a request and of its answer (RFC 9110, section 14).
 *
 * @module
 */

/**
 * A range as it was asked: from `start` to `end` inclusive or to the content's
 * end, or the last `suffix` bytes.
 */
export type RangeRequest =
  | { readonly start: number; readonly end?: number }
  | { readonly suffix: number };

/** A range of content whose size is known; both ends inclusive, in bytes. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Last byte. */
  readonly end: number;
}

/** 15 digits stay below `Number.MAX_SAFE_INTEGER`. */
const RANGE = /^bytes=(?:([0-9]{1,15})-([0-9]{1,15})?|-([0-9]{1,15}))$/;
const CONTENT_RANGE = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15})$/;

/**
 * Reads a Range header.
 *
 * @param header The header's value, or null when there was none
 * @returns The range; null when there is none, or it is malformed, backwards or
 * more than one: RFC 9110 lets a server ignore it then, and containerd never
 * sends such a range
 */
export function parseRange(header: string | null): RangeRequest | null {
  const match = RANGE.exec(header?.trim() ?? "");
  if (!match) return null;
  const [, start, end, suffix] = match;
  if (suffix !== undefined) return { suffix: Number(suffix) };
  if (end === undefined) return { start: Number(start) };
  return Number(end) < Number(start)
    ? null
    : { start: Number(start), end: Number(end) };
}

/**
 * Fits a range to content of a size.
 *
 * @param range What was asked
 * @param size Size of the whole content in bytes
 * @returns The bytes that the answer holds, or null when there are none (416)
 */
export function resolveRange(
  range: RangeRequest,
  size: number,
): ByteRange | null {
  if ("suffix" in range) {
    return range.suffix === 0 || size === 0
      ? null
      : { start: Math.max(0, size - range.suffix), end: size - 1 };
  }
  if (range.start >= size) return null;
  return { start: range.start, end: Math.min(range.end ?? size - 1, size - 1) };
}

/**
 * Tells whether a range is the whole content, whatever its size.
 *
 * @param range What was asked
 * @returns True for `bytes=0-`
 */
export function isWholeRange(range: RangeRequest | undefined): boolean {
  return range !== undefined && "start" in range && range.start === 0 &&
    range.end === undefined;
}

/**
 * Writes a range as a Range header.
 *
 * @param range What to ask
 * @returns The header's value
 */
export function formatRange(range: RangeRequest): string {
  return "suffix" in range
    ? `bytes=-${range.suffix}`
    : `bytes=${range.start}-${range.end ?? ""}`;
}

/**
 * Writes the Content-Range header of a 206.
 *
 * @param range What the answer holds
 * @param size Size of the whole content in bytes
 * @returns The header's value
 */
export function formatContentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end}/${size}`;
}

/**
 * Reads the Content-Range header of a 206.
 *
 * @param header The header's value
 * @returns The range and the size of the whole, or null when it is malformed,
 * of unknown size, or inconsistent
 */
export function parseContentRange(
  header: string,
): (ByteRange & { readonly size: number }) | null {
  const match = CONTENT_RANGE.exec(header.trim());
  if (!match) return null;
  const [start, end, size] = match.slice(1).map(Number) as [
    number,
    number,
    number,
  ];
  return start <= end && end < size ? { start, end, size } : null;
}

/**
 * Counts the bytes of a range.
 *
 * @param range A range with known ends
 * @returns Its length in bytes
 */
export function rangeLength(range: ByteRange): number {
  return range.end - range.start + 1;
}
