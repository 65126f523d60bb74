/**
 * Files that may be manifests, told from blobs by their beginning.
 *
 * @module
 */

import { readWhole } from "./file_body.ts";

/** JSON begins like this, gzip and zstd do not. */
const BEGINS_LIKE_OBJECT = /^[\t\n\v\f\r ]*\{/;

/** Bytes that tell; nobody indents a manifest's first brace deeper. */
const BEGINNING_BYTES = 64;

/**
 * Reads a file if it may be a manifest. Most that is as small is a layer: 13 nodes
 * that asked for a new one of 3 MiB had it read whole 13 times at once, 40 MiB.
 *
 * @param path Where it is
 * @param size Its size in bytes, which the caller has bounded
 * @returns All of it, or null when it begins like no manifest
 * @throws {Error} If it is gone or shorter
 */
export async function readIfManifest(
  path: string,
  size: number,
): Promise<Uint8Array | null> {
  const beginning = await readWhole(path, Math.min(size, BEGINNING_BYTES));
  const text = new TextDecoder().decode(beginning);
  if (!BEGINS_LIKE_OBJECT.test(text)) return null;
  return size <= BEGINNING_BYTES ? beginning : await readWhole(path, size);
}
