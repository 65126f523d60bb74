/**
 * Pulls into a temporary layout, and looking at what became of them.
 *
 * @module
 */

import { blobPath, ingestPath } from "../../src/layout/folder.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { parseWantedImage } from "../../src/pull/image_name.ts";
import { parsePlatform } from "../../src/pull/platform.ts";
import { pullImage } from "../../src/pull/pull.ts";
import type { FindCredentials } from "../../src/upstream/credentials.ts";
import { type LayoutFolder, layoutFolder } from "../layout/layout_folder.ts";
import { eventually } from "../suites/eventually.ts";

/** A folder to pull into. */
export interface Target extends LayoutFolder {
  /** What the pulls said, `has` left out. */
  readonly troubles: string[];
  /** Bytes that came, by who sent them. */
  readonly came: Record<string, number>;
  /** Pulls `app:v1`, or another image of the registry. */
  pull(registry: string, options?: PullChoices): Promise<Descriptor>;
  /** Bytes of a complete blob; null: it is not complete. */
  blob(digest: Digest): Promise<Uint8Array | null>;
  /** Bytes of content that is being pulled; 0 when none is. */
  ingested(digest: Digest): Promise<number>;
  /** Waits for so many. */
  untilIngested(digest: Digest, bytes: number): Promise<void>;
}

/** What a test chooses. */
export interface PullChoices {
  readonly mirror?: string;
  /** Behind the registry's address. */
  readonly name?: string;
  readonly platform?: string;
  readonly credentials?: FindCredentials;
  readonly signal?: AbortSignal;
}

/** Makes an empty target. */
export async function pullTarget(): Promise<Target> {
  const folder = await layoutFolder();
  const troubles: string[] = [];
  const came: Record<string, number> = {};
  const size = async (path: string) => {
    try {
      return (await Deno.stat(path)).size;
    } catch {
      return null; // Not there.
    }
  };
  const ingested = async (digest: Digest) =>
    await size(`${ingestPath(folder.path, `content-${digest}`)}/data`) ?? 0;
  return {
    ...folder,
    troubles,
    came,
    pull(registry, choices = {}) {
      const image = parseWantedImage(`${registry}/${choices.name ?? "app:v1"}`);
      const platform = parsePlatform(choices.platform ?? "linux/amd64");
      if (!image || !platform) throw new Error("the test names no image");
      const { mirror, signal = new AbortController().signal } = choices;
      const offsets = new Map<Digest, number>();
      return pullImage({
        image,
        platform,
        path: folder.path,
        mirror: mirror === undefined ? null : `http://${mirror}`,
      }, {
        credentials: choices.credentials ?? (() => Promise.resolve(null)),
        signal,
        report: {
          begins() {},
          has(digest, offset, from) {
            const before = offsets.get(digest) ?? 0;
            offsets.set(digest, offset);
            if (from) came[from] = (came[from] ?? 0) + offset - before;
          },
          ends() {},
          trouble: (problem) => void troubles.push(problem),
        },
      });
    },
    async blob(digest) {
      const path = blobPath(folder.path, digest);
      return await size(path) === null ? null : await Deno.readFile(path);
    },
    ingested,
    untilIngested: (digest, bytes) =>
      eventually(
        `${bytes} bytes are there`,
        async () => await ingested(digest) >= bytes,
      ),
  };
}
