/**
 * Which image an entry of index.json is, as different tools say it.
 *
 * | written by | ref.name | io.containerd.image.name |
 * |---|---|---|
 * | `skopeo copy ... oci:/usb:docker.io/library/nginx:1.27` | `docker.io/library/nginx:1.27` | |
 * | `skopeo copy ... oci:/usb:nginx:1.27` | `nginx:1.27` | |
 * | `skopeo copy ... oci:/usb:1.27` | `1.27` | |
 * | `nerdctl save`, `ctr image export`, `docker save` | `1.27` | `docker.io/library/nginx:1.27` |
 *
 * @module
 */

import { parseDigest } from "../oci/digest.ts";
import { parseImageName, splitFamiliarName } from "../oci/reference.ts";

/** The annotations that may hold a name, the one that says most first. */
const NAMES = [
  "io.containerd.image.name",
  "org.opencontainers.image.ref.name",
];

/**
 * Tells the full name of an entry of index.json.
 *
 * @param entry The entry, whatever it is
 * @returns `registry/repository:tag`, or null when it has none: a tag alone says
 * nothing of registry and repository
 */
export function nameOf(entry: unknown): string | null {
  for (const text of namesOf(entry)) {
    const name = fullName(text);
    if (name) return name;
  }
  return null;
}

/**
 * Tells what an entry of index.json calls itself, full or not.
 *
 * @param entry The entry, whatever it is
 * @returns Its names, the one that says most first
 */
export function namesOf(entry: unknown): string[] {
  const annotations = (entry as { annotations?: unknown } | null)?.annotations;
  if (typeof annotations !== "object" || annotations === null) return [];
  return NAMES
    .map((key) => (annotations as Record<string, unknown>)[key])
    .filter((value) => typeof value === "string");
}

/** Completes a name as docker's command line does: `nginx:1.27`. */
function fullName(text: string): string | null {
  // A tag alone, or an image that is named by its digest.
  if (!text.includes(":") || parseDigest(text)) return null;
  const { registry, path } = splitFamiliarName(text);
  return tagged(`${registry}/${path}`);
}

function tagged(name: string): string | null {
  const parts = parseImageName(name);
  return parts?.tag !== undefined && parts.digest === undefined ? name : null;
}
