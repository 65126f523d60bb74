/**
 * What a layout's manifests say of other content. A manifest is believed when its
 * bytes fit its digest.
 *
 * @module
 */

import { readIfManifest } from "../content/manifest_file.ts";
import {
  type Digest,
  digestOf,
  parseDigest,
  splitDigest,
} from "../oci/digest.ts";
import { manifestType } from "../oci/media_type.ts";

/** A reference from one piece of content to another. */
export interface Claim {
  readonly digest: Digest;
  /** Size in bytes that it should have. */
  readonly size: number;
}

/** A manifest or an index that is complete. */
export interface Manifest {
  /** As it must be served. */
  readonly mediaType: string;
  /** Config and layers. */
  readonly blobs: readonly Claim[];
  /** Manifests of an index. */
  readonly manifests: readonly Claim[];
}

/**
 * Reads a file that may be a manifest.
 *
 * @param path Where it is
 * @param digest What its name says
 * @param size Its size in bytes, which the caller has bounded
 * @returns What it says, or null when it is no manifest, or not all of it
 */
export async function readManifest(
  path: string,
  digest: Digest,
  size: number,
): Promise<Manifest | null> {
  try {
    const bytes = await readIfManifest(path, size);
    const mediaType = bytes && manifestType(bytes);
    const { algorithm } = splitDigest(digest);
    if (!mediaType || digestOf(bytes, algorithm) !== digest) return null;
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return {
      mediaType,
      blobs: claimsOf([value.config, ...listOf(value.layers)]),
      manifests: claimsOf(listOf(value.manifests)),
    };
  } catch {
    return null; // Gone or cut off since it was listed.
  }
}

/**
 * Reads a descriptor as a claim.
 *
 * @param value What stands where a descriptor should be
 * @returns What it claims, or null when it is none
 */
export function claimOf(value: unknown): Claim | null {
  if (typeof value !== "object" || value === null) return null;
  const { digest, size } = value as Record<string, unknown>;
  const parsed = typeof digest === "string" ? parseDigest(digest) : null;
  const isSize = typeof size === "number" && Number.isSafeInteger(size) &&
    size >= 0;
  return parsed && isSize ? { digest: parsed, size } : null;
}

/** Reads descriptors; what is none is passed over. */
function claimsOf(values: readonly unknown[]): Claim[] {
  return values.map(claimOf).filter((claim) => claim !== null);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
