/**
 * Images as they are in a layout.
 *
 * @module
 */

import { digestOf } from "../../src/oci/digest.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { OCI_MANIFEST } from "../../src/oci/media_type.ts";
import type { ManifestPiece } from "../suites/content.ts";
import { randomBytes } from "../suites/random.ts";
import type { LayoutFolder } from "./layout_folder.ts";

/** Where nginx is, by its full name. */
export const NGINX = { registry: "docker.io", repository: "library/nginx" };

/** Content and what refers to it. */
export interface LayoutPiece extends ManifestPiece {
  readonly descriptor: Descriptor;
}

/** A small image; `pieces` is all of it, in the order in which it is pulled. */
export interface LayoutImage {
  readonly manifest: LayoutPiece;
  readonly config: LayoutPiece;
  readonly layer: LayoutPiece;
  readonly pieces: readonly LayoutPiece[];
}

/** Makes a piece of any bytes. */
export function pieceOf(
  mediaType: string,
  content: Uint8Array,
): LayoutPiece {
  const bytes = Uint8Array.from(content);
  const digest = digestOf(bytes);
  const descriptor = { mediaType, digest, size: bytes.length };
  return { name: mediaType, bytes, digest, mediaType, descriptor };
}

/** Makes a piece of JSON. */
export function jsonPiece(mediaType: string, value: unknown): LayoutPiece {
  return pieceOf(mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

/** Makes an image of one layer, another one for each seed. */
export function image(
  seed: number,
  layerBytes: Uint8Array = randomBytes(10_000, seed),
): LayoutImage {
  const config = jsonPiece("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    seed,
  });
  const layer = pieceOf("application/vnd.oci.image.layer.v1.tar", layerBytes);
  const manifest = jsonPiece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  return { manifest, config, layer, pieces: [manifest, config, layer] };
}

/** Writes pieces into a layout, without referring to them. */
export async function putAll(
  folder: LayoutFolder,
  pieces: readonly LayoutPiece[],
): Promise<void> {
  for (const { bytes } of pieces) await folder.put(bytes);
}
