/**
 * What a manifest or an index refers to.
 *
 * @module
 */

import type { Descriptor } from "../oci/descriptor.ts";
import { parseDigest } from "../oci/digest.ts";
import {
  DOCKER_MANIFEST_LIST,
  manifestType,
  OCI_INDEX,
  OCTET_STREAM,
} from "../oci/media_type.ts";
import type { Platform } from "./platform.ts";

/** An entry of an index. */
export interface IndexEntry extends Descriptor {
  /** What it runs on, when the index says so. */
  readonly platform?: Platform;
}

/** One manifest or index, read. */
export type ImageNode =
  | {
    readonly kind: "index";
    readonly mediaType: string;
    readonly manifests: readonly IndexEntry[];
  }
  | {
    readonly kind: "manifest";
    readonly mediaType: string;
    /** Config and layers, each once; nothing that no registry serves. */
    readonly blobs: readonly Descriptor[];
  };

/**
 * Layers that a registry does not have: they come from their vendor (image spec
 * v1.1, "Non-Distributable Layers", and Docker's word for the same).
 */
const FOREIGN = /nondistributable|\.foreign\./;

/**
 * Reads a manifest or an index.
 *
 * @param bytes The whole content
 * @returns What it refers to
 * @throws {Error} If it is of another kind, or malformed
 */
export function readImageNode(bytes: Uint8Array): ImageNode {
  const mediaType = manifestType(bytes);
  if (mediaType === null) {
    throw new Error(
      "Cannot pull what is neither a manifest nor an index of today's formats",
    );
  }
  const value = JSON.parse(new TextDecoder().decode(bytes));
  if (mediaType === OCI_INDEX || mediaType === DOCKER_MANIFEST_LIST) {
    const manifests = listOf(value.manifests).map(readEntry);
    return { kind: "index", mediaType, manifests };
  }
  const blobs = [value.config, ...listOf(value.layers)].map(readDescriptor)
    .filter((blob) => !FOREIGN.test(blob.mediaType));
  const byDigest = new Map(blobs.map((blob) => [blob.digest, blob]));
  return { kind: "manifest", mediaType, blobs: [...byDigest.values()] };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function readEntry(value: unknown): IndexEntry {
  const entry = readDescriptor(value);
  const platform = readPlatform((value as { platform?: unknown }).platform);
  return platform ? { ...entry, platform } : entry;
}

function readDescriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = Object(value);
  const parsed = typeof digest === "string" ? parseDigest(digest) : null;
  if (!parsed || !Number.isSafeInteger(size) || size < 0) {
    throw new Error("Cannot pull an image whose manifest is malformed");
  }
  return {
    mediaType: typeof mediaType === "string" ? mediaType : OCTET_STREAM,
    digest: parsed,
    size,
  };
}

function readPlatform(value: unknown): Platform | null {
  const { os, architecture, variant } = Object(value);
  if (typeof os !== "string" || typeof architecture !== "string") return null;
  return { os, architecture, ...typeof variant === "string" && { variant } };
}
