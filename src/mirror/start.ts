/**
 * Beginning to read from one source: content counts as had when its first bytes
 * are in hand, and small content when all of it is there and fits its digest.
 *
 * @module
 */

import { chunkReader } from "../async/chunks.ts";
import { partOf } from "../content/part.ts";
import type {
  ContentSource,
  OpenContent,
  OpenOptions,
} from "../content/source.ts";
import { digestVerifier } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import { MANIFEST_MAX_BYTES } from "../oci/media_type.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { StartedBody } from "./resume.ts";

/** Content that has begun to flow. */
export interface Started extends StartedBody {
  /** What it is; its body is read through `rest`. */
  readonly content: Omit<OpenContent, "body">;
}

/**
 * Content up to this size, in bytes, is read whole and checked before its first
 * byte is passed on: containerd fails a pull for good over a wrong byte. Every
 * manifest and nearly every config is smaller; 3 at a time are 12 MiB.
 */
export const CHECKED_MAX_BYTES: number = MANIFEST_MAX_BYTES;

/** Content that is not what its digest says. */
export class CorruptError extends Error {
  override readonly name = "CorruptError";
}

/**
 * Opens content and waits for its first bytes.
 *
 * @param source Who is asked
 * @param request What is wanted
 * @param options Which part of it, and the end of the wait
 * @returns What has begun, or null when the source does not have it
 * @throws {Error} If it breaks before the first byte, or is not what its digest
 * says
 */
export async function startFrom(
  source: ContentSource,
  request: ContentRequest,
  options: OpenOptions,
): Promise<Started | null> {
  const open = await source.open(request, options);
  if (!open) return null;
  const { size } = open.descriptor;
  if (size > CHECKED_MAX_BYTES) return await begun(open);
  if (isWhole(open)) return await checked(open, options);
  // A part cannot be checked; the whole is small.
  await open.body.cancel();
  const whole = await source.open(request, { signal: options.signal });
  return whole && await checked(whole, options);
}

/**
 * Gives up what was begun.
 *
 * @param started What nobody will read
 */
export function discard(started: Started | RegistryError): void {
  if (started instanceof RegistryError) return;
  started.rest.cancel().catch(() => {/* it is not wanted anyway */});
}

function isWhole({ range, descriptor }: OpenContent): boolean {
  return !range || (range.start === 0 && range.end === descriptor.size - 1);
}

async function begun(open: OpenContent): Promise<Started> {
  const rest = chunkReader(open.body);
  const first = await rest.read();
  if (!first) throw new Error(`Cannot read from ${open.from}: no byte came`);
  return { content: open, first, rest, from: open.from };
}

async function checked(
  open: OpenContent,
  { range }: OpenOptions,
): Promise<Started> {
  const { descriptor, from } = open;
  const bytes = await readAll(open.body, descriptor.size);
  const verifier = digestVerifier(descriptor.digest);
  verifier.update(bytes);
  if (bytes.length !== descriptor.size || !verifier.matches()) {
    throw new CorruptError(`Cannot use content from ${from}: it is corrupt`);
  }
  const part = partOf(range, descriptor.size);
  return {
    content: { descriptor, range: part, from },
    first: part ? bytes.subarray(part.start, part.end + 1) : bytes,
    rest: chunkReader(ReadableStream.from<Uint8Array>([])),
    from,
  };
}

/** Reads a body, but never more than it may have. */
async function readAll(
  body: ReadableStream<Uint8Array>,
  size: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > size) return bytes.subarray(0, 0);
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes.subarray(0, filled);
}
