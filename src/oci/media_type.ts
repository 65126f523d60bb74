/**
 * Media types of the image spec, and telling a manifest's type from its bytes.
 *
 * @module
 */

/** Content whose type nobody told. */
export const OCTET_STREAM = "application/octet-stream";

/** OCI image manifest. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** OCI image index. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** Docker image manifest, version 2, schema 2. */
export const DOCKER_MANIFEST =
  "application/vnd.docker.distribution.manifest.v2+json";
/** Docker manifest list, version 2, schema 2. */
export const DOCKER_MANIFEST_LIST =
  "application/vnd.docker.distribution.manifest.list.v2+json";

/** The types that a manifest endpoint serves. */
export const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
]);

/**
 * Manifests are at most this long, in bytes: registries refuse larger ones
 * (distribution spec v1.1, "Pushing Manifests", asks for at least 4 MiB).
 */
export const MANIFEST_MAX_BYTES: number = 4 << 20;

/**
 * Tells the type of a manifest from its bytes. A manifest may leave its
 * `mediaType` out (image spec v1.0 did); then its shape decides.
 *
 * @param bytes The whole content
 * @returns One of {@linkcode MANIFEST_TYPES}, or null when it is no manifest
 */
export function manifestType(bytes: Uint8Array): string | null {
  if (bytes.length > MANIFEST_MAX_BYTES || !startsLikeObject(bytes)) {
    return null;
  }
  const value = parseObject(bytes);
  if (value?.schemaVersion !== 2) return null;
  if (typeof value.mediaType === "string") {
    return MANIFEST_TYPES.has(value.mediaType) ? value.mediaType : null;
  }
  if (Array.isArray(value.manifests)) return OCI_INDEX;
  return value.config && Array.isArray(value.layers) ? OCI_MANIFEST : null;
}

/** Spares the parser most blobs: gzip and zstd do not begin with a brace. */
function startsLikeObject(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && (byte < 9 || byte > 13));
  return first === 0x7b;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" ? value : null;
  } catch {
    return null; // Not JSON: a blob like any other.
  }
}
