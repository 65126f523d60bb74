/**
 * Where things are in an OCI image layout (image spec v1.1, "Image Layout"), and
 * where content that is still being pulled into it is:
 *
 *     oci-layout
 *     index.json                   what is here, with names
 *     blobs/sha256/<hex>           content that is complete
 *     ingest/<hash of the ref>/    content that is being pulled, as containerd
 *                                  keeps it: ref, total, data
 *
 * @module
 */

import { join } from "node:path/posix";
import { createHash } from "node:crypto";
import { type Digest, splitDigest } from "../oci/digest.ts";

/**
 * Tells where complete content is.
 *
 * @param root The layout's folder
 * @param digest Of the content
 * @returns The path of its file
 */
export function blobPath(root: string, digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return join(root, "blobs", algorithm, hex);
}

/**
 * Tells where content is while it is being pulled.
 *
 * @param root The layout's folder
 * @param ref The name of the pull
 * @returns The path of its folder
 */
export function ingestPath(root: string, ref: string): string {
  const name = createHash("sha256").update(ref).digest("hex");
  return join(root, "ingest", name);
}

/** A file that may be content. */
export interface FileFacts {
  /** Its size in bytes. */
  readonly size: number;
  /** When it was last written to, or moved here, in ms since the epoch. */
  readonly changedAt: number;
}

/**
 * Looks at a regular file; links are not followed, or a layout could share any
 * file of its node.
 *
 * @param path Where it may be
 * @returns What it is, or null when there is none that can be seen
 */
export async function fileFacts(path: string): Promise<FileFacts | null> {
  try {
    const { isFile, size, mtime, ctime } = await Deno.lstat(path);
    const times = [mtime, ctime].map((time) => time?.getTime() ?? 0);
    return isFile ? { size, changedAt: Math.max(...times) } : null;
  } catch {
    return null; // Not there, or not to be seen: either way it cannot be served.
  }
}
