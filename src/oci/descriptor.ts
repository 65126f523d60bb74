/**
 * Descriptors: what a piece of content is, in three facts, and how they travel
 * in HTTP headers.
 *
 * @module
 */

import { type Digest, parseDigest } from "./digest.ts";
import { parseContentRange } from "./range.ts";

/**
 * An OCI content descriptor (image spec v1.1, "Content Descriptors"), without
 * its optional fields.
 */
export interface Descriptor {
  /** Media type; `application/octet-stream` when only the bytes are known. */
  readonly mediaType: string;
  /** Digest of the whole content. */
  readonly digest: Digest;
  /** Size of the whole content in bytes. */
  readonly size: number;
}

/**
 * Writes a descriptor as the headers of a whole answer.
 *
 * @param descriptor What the answer is about
 * @returns Content-Type, Content-Length and Docker-Content-Digest
 */
export function descriptorHeaders(descriptor: Descriptor): Headers {
  return new Headers({
    "Content-Type": descriptor.mediaType,
    "Content-Length": String(descriptor.size),
    "Docker-Content-Digest": descriptor.digest,
  });
}

/**
 * Reads a descriptor from the headers of an answer, whole (200) or a range
 * (206).
 *
 * @param headers The answer's headers
 * @returns The descriptor of the whole content, or null when a fact is missing
 * or malformed
 */
export function descriptorFromHeaders(headers: Headers): Descriptor | null {
  const mediaType = headers.get("Content-Type");
  const digest = parseDigest(headers.get("Docker-Content-Digest") ?? "");
  const size = totalSize(headers);
  if (!mediaType || !digest || size === null) return null;
  return { mediaType, digest, size };
}

function totalSize(headers: Headers): number | null {
  const range = headers.get("Content-Range");
  if (range !== null) return parseContentRange(range)?.size ?? null;
  const length = headers.get("Content-Length");
  return length !== null && /^[0-9]{1,15}$/.test(length)
    ? Number(length)
    : null;
}
