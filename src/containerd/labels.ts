/**
 * What containerd's labels say of content.
 *
 * @module
 */

import type { CatalogEntry } from "../content/catalog.ts";
import type { ContentInfo } from "./client.ts";

/**
 * Labels by which containerd's garbage collector knows what content refers to:
 * `m.0` a manifest, `config`, `l.0` a layer; `0` is what it has no word for, such
 * as an index inside an index, or an artifact's parts.
 */
const CHILD_LABEL = /^containerd\.io\/gc\.ref\.content\.(config|[lm](?=\.))?/;
/** Labels that tell a repository that content was pulled from. */
const SOURCE_LABEL = "containerd.io/distribution.source.";

/**
 * Reads the labels of content.
 *
 * @param info What containerd knows of it
 * @returns Its entry in a catalog
 */
export function entryOf({ digest, labels }: ContentInfo): CatalogEntry {
  const children = { manifests: [], blobs: [], unclear: [] } as Children;
  const origins: CatalogEntry["origins"][number][] = [];
  for (const [label, value] of Object.entries(labels)) {
    const child = CHILD_LABEL.exec(label);
    if (child) children[kindOf(child[1])].push(value);
    else if (label.startsWith(SOURCE_LABEL)) {
      const host = label.slice(SOURCE_LABEL.length);
      // A list: the same blob came from several repositories.
      for (const repository of value.split(",")) {
        origins.push({ host, repository });
      }
    }
  }
  const { blobs, manifests, unclear } = children;
  // Whoever has a config or a layer is no index. Else the bytes must tell.
  (blobs.length > 0 ? blobs : manifests).push(...unclear);
  return { digest, blobs, manifests, origins };
}

type Children = Record<"blobs" | "manifests" | "unclear", string[]>;

function kindOf(word: string | undefined): keyof Children {
  if (word === undefined) return "unclear";
  return word === "m" ? "manifests" : "blobs";
}
