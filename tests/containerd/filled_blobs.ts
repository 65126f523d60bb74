/**
 * A content folder on disk with a fake containerd that knows what is in it.
 *
 * @module
 */

import { type Blobs, containerdBlobs } from "../../src/containerd/blobs.ts";
import { NO_LOG } from "../../src/log.ts";
import {
  type Digest,
  type DigestAlgorithm,
  digestOf,
  splitDigest,
} from "../../src/oci/digest.ts";
import { OCI_INDEX } from "../../src/oci/media_type.ts";
import { type Content, REGISTRY, REPOSITORY } from "../suites/content.ts";
import { type FakeContainerd, fakeContainerd } from "./fake_containerd.ts";

/** A name in the suite's repository. */
export const NAME: string = `${REGISTRY}/${REPOSITORY}:v1`;

/** Bytes that look like an index. */
export const INDEX: Uint8Array = new TextEncoder().encode(
  JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }),
);

/** The rules that a test may change. */
export interface Rules {
  /** As the catalog's. */
  isBlob: (digest: Digest) => boolean;
  /** As the catalog's. */
  isShared: (content: { readonly digest: Digest }) => boolean;
}

/** A filled folder. */
export interface FilledBlobs extends AsyncDisposable {
  /** What is tested. */
  readonly source: Blobs;
  /** Who knows what is there. */
  readonly fake: FakeContainerd;
  /** Everything is shared and nothing is known as a blob, at first. */
  readonly catalog: Rules;
  /** Commits content. */
  put(bytes: Uint8Array, algorithm?: DigestAlgorithm): Promise<Digest>;
  /** Writes a file of which containerd does not know in this namespace. */
  write(bytes: Uint8Array, algorithm?: DigestAlgorithm): Promise<Digest>;
  /** Removes a file. */
  remove(digest: Digest): Promise<void>;
  /** Takes the bytes of its file away: whoever reads it fails. */
  shorten(digest: Digest): Promise<void>;
  /** Cuts a file. */
  truncate(digest: Digest, size: number): Promise<void>;
  /** Adds to a file. */
  append(digest: Digest, bytes: Uint8Array): Promise<void>;
}

/**
 * Fills a temporary folder.
 *
 * @param content What is in it
 * @returns The folder, its containerd and its source
 */
export async function filledBlobs(content: Content): Promise<FilledBlobs> {
  const root = await Deno.makeTempDir({ prefix: "peili-blobs-" });
  const fake = fakeContainerd();
  const catalog: Rules = { isBlob: () => false, isShared: () => true };
  const source = containerdBlobs({
    client: fake.client,
    log: NO_LOG,
    catalog: {
      isBlob: (digest) => catalog.isBlob(digest),
      isShared: (info) => catalog.isShared(info),
    },
  }, { contentPath: root });
  const pathOf = (digest: Digest) => {
    const { algorithm, hex } = splitDigest(digest);
    return `${root}/blobs/${algorithm}/${hex}`;
  };
  const filled: FilledBlobs = {
    source,
    fake,
    catalog,
    async put(bytes, algorithm) {
      const digest = await filled.write(bytes, algorithm);
      fake.put(bytes, {}, digest);
      return digest;
    },
    async write(bytes, algorithm = "sha256") {
      const digest = digestOf(bytes, algorithm);
      await Deno.mkdir(`${root}/blobs/${algorithm}`, { recursive: true });
      await Deno.writeFile(pathOf(digest), bytes);
      return digest;
    },
    remove: (digest) => Deno.remove(pathOf(digest)),
    shorten: (digest) => Deno.truncate(pathOf(digest)),
    truncate: (digest, size) => Deno.truncate(pathOf(digest), size),
    append: (digest, bytes) =>
      Deno.writeFile(pathOf(digest), bytes, { append: true }),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
  for (const { bytes } of [...content.blobs, ...content.manifests]) {
    await filled.put(bytes);
  }
  for (const { name, target } of content.tags) fake.name(name, target);
  return filled;
}
