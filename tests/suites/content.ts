/**
 * Content that every source must cope with: what images are made of, and what
 * has fooled mirrors before.
 *
 * @module
 */

import { type Digest, digestOf } from "../../src/oci/digest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/oci/media_type.ts";
import { randomBytes } from "./random.ts";

/** One piece of content. */
export interface Piece {
  /** What it is, for the name of a test. */
  readonly name: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Their digest. */
  readonly digest: Digest;
}

/** A manifest or an index. */
export interface ManifestPiece extends Piece {
  /** The type that it must be served as. */
  readonly mediaType: string;
}

/** A name and what it stands for. */
export interface TagPiece {
  /** `registry/repository:tag`. */
  readonly name: string;
  /** Digest of one of the manifests. */
  readonly target: Digest;
}

/** All that a source is filled with. */
export interface Content {
  /** Configs, layers and stranger things. */
  readonly blobs: readonly Piece[];
  /** Each type of manifest. */
  readonly manifests: readonly ManifestPiece[];
  /** Names of some manifests. */
  readonly tags: readonly TagPiece[];
}

/** The registry of the content's tags: with a port, which labels lose. */
export const REGISTRY = "registry.example:5000";

/** The repository of the content's tags. */
export const REPOSITORY = "suite/app";

/** A layer as it looks from outside. */
export const LAYER: Piece = piece(
  "gzip-like layer",
  new Uint8Array([0x1f, 0x8b, 8, 0, ...randomBytes(100_000, 1)]),
);

/** Longer than any manifest may be, and than one read of a file. */
export const LARGE: Piece = piece(
  "blob of more than 4 MiB",
  randomBytes((5 << 20) + 123, 2),
);

/** No byte at all. */
export const EMPTY: Piece = piece("empty blob", "");

const CONFIG = piece(
  "config",
  '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}',
);

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

const IMAGE = {
  schemaVersion: 2,
  config: descriptor(CONFIG_TYPE, CONFIG),
  layers: [descriptor(LAYER_TYPE, LAYER), descriptor(LAYER_TYPE, LARGE)],
};

const OCI_IMAGE = manifest("OCI manifest", OCI_MANIFEST, {
  ...IMAGE,
  mediaType: OCI_MANIFEST,
});

const INDEX = {
  schemaVersion: 2,
  manifests: [descriptor(OCI_MANIFEST, OCI_IMAGE)],
};

const OCI_INDEX_PIECE = manifest("OCI index", OCI_INDEX, {
  ...INDEX,
  mediaType: OCI_INDEX,
});

/**
 * Where clients look for what refers to an image when the registry does not tell
 * (distribution spec v1.1, "Referrers Tag Schema").
 */
export const REFERRERS_TAG: string = OCI_IMAGE.digest.replace(":", "-");

/** Everything. */
export const CONTENT: Content = {
  blobs: [
    LAYER,
    LARGE,
    EMPTY,
    CONFIG,
    piece("empty JSON object", "{}"),
    piece("JSON array", "[]"),
    piece("JSON number", "1"),
    piece("JSON object with spaces", '{ "a": 1 }'),
    piece("JSON null", "null"),
    piece("JSON that is cut off", '{"schemaVersion":2,"mediaType":'),
    piece(
      "JSON of another schema",
      '{"schemaVersion":2,"mediaType":"application/vnd.in-toto+json"}',
    ),
  ],
  manifests: [
    OCI_IMAGE,
    manifest("OCI manifest without mediaType", OCI_MANIFEST, IMAGE),
    OCI_INDEX_PIECE,
    manifest("OCI index without mediaType", OCI_INDEX, INDEX),
    manifest("Docker manifest", DOCKER_MANIFEST, {
      ...IMAGE,
      mediaType: DOCKER_MANIFEST,
    }),
    manifest("Docker manifest list", DOCKER_MANIFEST_LIST, {
      ...INDEX,
      mediaType: DOCKER_MANIFEST_LIST,
    }),
  ],
  tags: [
    tag("v1", OCI_IMAGE),
    tag("latest", OCI_INDEX_PIECE),
    tag("UPPER_case-1.0", OCI_INDEX_PIECE),
    tag(REFERRERS_TAG, OCI_INDEX_PIECE),
  ],
};

function piece(name: string, content: Uint8Array | string): Piece {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : new Uint8Array(content);
  return { name, bytes, digest: digestOf(bytes) };
}

function manifest(
  name: string,
  mediaType: string,
  value: unknown,
): ManifestPiece {
  return { ...piece(name, JSON.stringify(value, null, 2)), mediaType };
}

function descriptor(mediaType: string, { digest, bytes }: Piece): object {
  return { mediaType, digest, size: bytes.length };
}

function tag(name: string, { digest }: Piece): TagPiece {
  return { name: `${REGISTRY}/${REPOSITORY}:${name}`, target: digest };
}
