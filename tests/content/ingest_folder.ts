/**
 * A content folder in which content is being pulled, as containerd lays it out.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { folderIngests, type Ingests } from "../../src/content/ingests.ts";
import { type Digest, digestOf, splitDigest } from "../../src/oci/digest.ts";
import { type RecordedLog, recordedLog } from "../recorded.ts";

/** A file of an ingest. */
export type IngestFile = "ref" | "total" | "data" | "startedat" | "updatedat";

/** One pull. */
export interface PulledContent {
  /** Its folder. */
  readonly path: string;
  /** Writes one of its files. */
  write(file: IngestFile, content: Uint8Array | string): Promise<void>;
  /** Takes one of its files away. */
  remove(file: IngestFile): Promise<void>;
  /** Adds bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Makes it look as if the last bytes had come so long ago, in ms. */
  age(ms: number): Promise<void>;
  /** Moves the bytes to the blobs and removes the rest. */
  commit(): Promise<void>;
  /** Removes all of it. */
  abort(): Promise<void>;
}

/** The folder, and what is seen of it. */
export interface IngestFolder extends AsyncDisposable {
  /** What is tested. */
  readonly ingests: Ingests;
  /** Digests whose flights this node takes part in. */
  readonly parts: Set<Digest>;
  /** What was logged. */
  readonly log: RecordedLog;
  /** Begins a pull, without any file. */
  begin(ref: string): Promise<PulledContent>;
  /** Begins a pull of a layer and writes its files, with the first bytes. */
  pull(
    bytes: Uint8Array,
    options?: { readonly first?: number; readonly ref?: string },
  ): Promise<PulledContent & { readonly digest: Digest }>;
}

/** The ref of content of a kind in the namespace. */
export function refOf(digest: Digest, kind = "layer"): string {
  return `k8s.io/7/${kind}-${digest}`;
}

/**
 * Makes a folder without `ingest/`.
 *
 * @param filter Whether the operator left something out
 */
export async function ingestFolder(
  filter = { restricts: false },
): Promise<IngestFolder> {
  const root = await Deno.makeTempDir({ prefix: "peili-ingests-" });
  const parts = new Set<Digest>();
  const log = recordedLog();

  async function begin(ref: string): Promise<PulledContent> {
    const name = createHash("sha256").update(ref).digest("hex");
    const path = `${root}/ingest/${name}`;
    await Deno.mkdir(path, { recursive: true });
    const write = (file: IngestFile, content: Uint8Array | string) =>
      Deno.writeFile(`${path}/${file}`, Uint8Array.from(toBytes(content)));
    const abort = () => Deno.remove(path, { recursive: true });
    return {
      path,
      write,
      abort,
      remove: (file) => Deno.remove(`${path}/${file}`),
      append: (bytes) =>
        Deno.writeFile(`${path}/data`, bytes, { append: true }),
      age: (ms) => {
        const then = new Date(Date.now() - ms);
        return Deno.utime(`${path}/data`, then, then);
      },
      async commit() {
        const bytes = await Deno.readFile(`${path}/data`);
        const { algorithm, hex } = splitDigest(digestOf(bytes));
        await Deno.mkdir(`${root}/blobs/${algorithm}`, { recursive: true });
        const blob = `${root}/blobs/${algorithm}/${hex}`;
        await Deno.rename(`${path}/data`, blob);
        await abort();
      },
    };
  }

  return {
    parts,
    log,
    begin,
    ingests: folderIngests({
      filter,
      contentPath: root,
      namespace: "k8s.io",
      takesPart: (digest) => parts.has(digest),
      log,
    }),
    async pull(bytes, options = {}) {
      const digest = digestOf(bytes);
      const { first = bytes.length, ref = refOf(digest) } = options;
      const content = await begin(ref);
      await content.write("ref", ref);
      await content.write("total", `${bytes.length}`);
      await content.write("startedat", "0");
      await content.write("updatedat", "0");
      await content.write("data", bytes.subarray(0, first));
      await content.age(-1_000); // After the view was made, whatever clocks say.
      return { ...content, digest };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
}
