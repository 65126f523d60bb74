/**
 * Content for tests of registries: a blob, a manifest and a tag.
 *
 * @module
 */

import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

/** The bytes of a blob, 20 of them. */
export const BLOB = "0123456789abcdefghij";
/** Digest of {@linkcode BLOB}. */
export const BLOB_DIGEST: Digest = digestOf(BLOB);

/** Media type of {@linkcode MANIFEST}. */
export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** An image manifest. */
export const MANIFEST: string = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {},
  layers: [],
});
/** Digest of {@linkcode MANIFEST}. */
export const MANIFEST_DIGEST: Digest = digestOf(MANIFEST);

/** The name that {@linkcode MANIFEST} has. */
export const TAGGED = "docker.io/library/app:v1";

/** Content that nobody has. */
export const ABSENT: Digest = digestOf("nobody has this");

/** A store with blob, manifest and tag. */
export function filledStore(): MemoryStore {
  const store = memoryStore();
  store.put(BLOB);
  store.tag(TAGGED, store.put(MANIFEST));
  return store;
}

/** A source that does the same whatever it is asked. */
export function always(answer: () => Promise<null>): ContentSource {
  return { resolve: answer, stat: answer, open: answer };
}

/** A source that has nothing. */
export const NOTHING: ContentSource = always(() => Promise.resolve(null));
