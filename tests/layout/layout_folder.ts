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
  /** Reads index.json. */
  index(): Promise<
    { readonly manifests: IndexEntry[]; readonly [field: string]: unknown }
  >;
  /** Replaces index.json. */
  writeIndex(text: string): Promise<void>;
}

/** Makes an empty folder. */
export async function layoutFolder(): Promise<LayoutFolder> {
  const path = await Deno.makeTempDir({ prefix: "peili-layout-" });
  return {
    path,
    async put(content, algorithm = "sha256") {
      const bytes = typeof content === "string"
        ? new TextEncoder().encode(content)
        : Uint8Array.from(content);
      const digest = digestOf(bytes, algorithm);
      await Deno.mkdir(`${path}/blobs/${algorithm}`, { recursive: true });
      const blob = `${path}/blobs/${digest.replace(":", "/")}`;
      await Deno.writeFile(blob, bytes);
      return digest;
    },
    index: async () =>
      JSON.parse(await Deno.readTextFile(`${path}/index.json`)),
    async writeIndex(text) {
      const next = `${path}/${crypto.randomUUID()}`;
      await Deno.writeTextFile(next, text);
      await Deno.rename(next, `${path}/index.json`);
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
