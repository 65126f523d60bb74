/**
 * An OCI image layout in a temporary folder, written as any other tool would.
 *
 * @module
 */

import {
  type Digest,
  type DigestAlgorithm,
  digestOf,
} from "../../src/oci/digest.ts";
import { OCTET_STREAM } from "../../src/oci/media_type.ts";
import type { Content, Piece } from "../suites/content.ts";

/** An entry of index.json. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A layout; disposing of it removes it. */
export interface LayoutFolder extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** Writes a blob. */
  put(
    content: Uint8Array | string,
    algorithm?: DigestAlgorithm,
  ): Promise<Digest>;
  /** Where a blob is. */
  pathOf(digest: Digest): string;
  /** Reads index.json. */
  index(): Promise<
    { readonly manifests: IndexEntry[]; readonly [field: string]: unknown }
  >;
  /** Replaces index.json. */
  writeIndex(text: string): Promise<void>;
  /** Refers to content in index.json, by a name or without. */
  refer(
    content: Pick<Piece, "digest" | "bytes"> & { readonly mediaType?: string },
    annotations?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Takes what a test picks out of index.json. */
  forget(picks: (entry: IndexEntry) => boolean): Promise<void>;
  /** Writes content, its blobs first, and refers to all of it. */
  fill(content: Content): Promise<void>;
}

/** The annotation that most tools write. */
export const REF_NAME = "org.opencontainers.image.ref.name";

/** Makes an empty folder. */
export async function layoutFolder(): Promise<LayoutFolder> {
  const path = await Deno.makeTempDir({ prefix: "peili-layout-" });

  async function change(
    next: (entries: readonly IndexEntry[]) => readonly IndexEntry[],
  ): Promise<void> {
    const index = await folder.index().catch(() => ({ manifests: [] }));
    const manifests = next(index.manifests);
    await folder.writeIndex(JSON.stringify({ schemaVersion: 2, manifests }));
  }

  const folder: LayoutFolder = {
    path,
    async put(content, algorithm = "sha256") {
      const bytes = typeof content === "string"
        ? new TextEncoder().encode(content)
        : Uint8Array.from(content);
      const digest = digestOf(bytes, algorithm);
      await Deno.mkdir(`${path}/blobs/${algorithm}`, { recursive: true });
      await Deno.writeFile(folder.pathOf(digest), bytes);
      return digest;
    },
    pathOf: (digest) => `${path}/blobs/${digest.replace(":", "/")}`,
    index: async () =>
      JSON.parse(await Deno.readTextFile(`${path}/index.json`)),
    async writeIndex(text) {
      const next = `${path}/${crypto.randomUUID()}`;
      await Deno.writeTextFile(next, text);
      await Deno.rename(next, `${path}/index.json`);
    },
    refer: ({ digest, bytes, mediaType = OCTET_STREAM }, annotations) =>
      change((entries) => [...entries, {
        mediaType,
        digest,
        size: bytes.length,
        ...annotations && { annotations },
      }]),
    forget: (picks) =>
      change((entries) => entries.filter((entry) => !picks(entry))),
    async fill({ blobs, manifests, tags }) {
      for (const piece of [...blobs, ...manifests]) {
        await folder.put(piece.bytes);
        await folder.refer(piece);
      }
      for (const { name, target } of tags) {
        const piece = manifests.find(({ digest }) => digest === target);
        if (piece) await folder.refer(piece, { [REF_NAME]: name });
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
  return folder;
}
