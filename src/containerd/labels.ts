/**
 * What containerd's labels say of content.
 *
 * @module
 */

import type { CatalogEntry } from "../content/catalog.ts";
import type { ContentInfo } from "./client.ts";

/** Labels by which containerd's garbage collector knows what content refers to. */
const CHILD_LABEL = "containerd.io/gc.ref.content.";
/** Among them, the manifests of an index. */
const CHILD_MANIFEST_LABEL = "containerd.io/gc.ref.content.m.";
/** Labels that tell a repository that content was pulled from. */
const SOURCE_LABEL = "containerd.io/distribution.source.";

/**
 * Reads the labels of content.
 *
 * @param info What containerd knows of it
 * @returns Its entry in a catalog
 */
export function entryOf({ digest, labels }: ContentInfo): CatalogEntry {
  const blobs: string[] = [];
  const manifests: string[] = [];
  const origins: CatalogEntry["origins"][number][] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (label.startsWith(CHILD_MANIFEST_LABEL)) manifests.push(value);
    else if (label.startsWith(CHILD_LABEL)) blobs.push(value);
    else if (label.startsWith(SOURCE_LABEL)) {
      const host = label.slice(SOURCE_LABEL.length);
      // A list: the same blob came from several repositories.
      for (const repository of value.split(",")) {
        origins.push({ host, repository });
      }
    }
  }
  return { digest, blobs, manifests, origins };
}
