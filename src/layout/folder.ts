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
  /** When it was last written to, in ms since the epoch. */
  readonly writtenAt: number;
  /** See {@linkcode changedAt}. */
  readonly changedAt: number;
}

/** The time of a change (ctime) comes in whole seconds, here in ms. */
export const TIME_STEP_MS = 1_000;

/**
 * Tells when a file was last written to, or put in its place: the latest moment
 * that it can have been.
 *
 * @param info What the system says of it
 * @returns Milliseconds since the epoch
 */
export function changedAt({ mtime, ctime }: Deno.FileInfo): number {
  const written = mtime?.getTime() ?? 0;
  return Math.max(written, (ctime?.getTime() ?? 0) + TIME_STEP_MS - 1);
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
    const info = await Deno.lstat(path);
    if (!info.isFile) return null;
    const writtenAt = info.mtime?.getTime() ?? 0;
    return { size: info.size, writtenAt, changedAt: changedAt(info) };
  } catch {
    return null; // Not there, or not to be seen: either way it cannot be served.
  }
}
