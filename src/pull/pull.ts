/**
 * Pulling an image over HTTP into an OCI image layout, step by step as
 * containerd does: HEAD of the tag, manifest, config and layers.
 *
 * @module
 */

import { inParallel } from "../async/in_parallel.ts";
import { blobPath } from "../layout/folder.ts";
import { layoutWriter } from "../layout/writer.ts";
import { describeError } from "../log.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, splitDigest } from "../oci/digest.ts";
import { MANIFEST_MAX_BYTES } from "../oci/media_type.ts";
import { registryAccess } from "../upstream/access.ts";
import type { FindCredentials } from "../upstream/credentials.ts";
import { fetchContent, type WantedContent } from "./fetch_content.ts";
import type { WantedImage } from "./image_name.ts";
import {
  type ImageNode,
  type IndexEntry,
  readImageNode,
} from "./image_graph.ts";
import { type OriginName, origins } from "./origins.ts";
import {
  choosePlatform,
  formatPlatform,
  parsePlatform,
  type WantedPlatform,
} from "./platform.ts";
import { resolveTarget } from "./resolve.ts";

/** What is pulled, and where it goes. */
export interface PullOptions {
  readonly image: WantedImage;
  readonly platform: WantedPlatform;
  /** The layout's folder; it need not be there. */
  readonly path: string;
  /** Base URL of the mirror that is asked first. */
  readonly mirror: string | null;
}

/** Hears how a pull goes. */
export interface PullReport {
  /** A piece of content is next. */
  begins(kind: WantedContent["kind"], descriptor: Descriptor): void;
  /** There are so many bytes of it now; null: an earlier pull left them. */
  has(digest: Digest, offset: number, from: OriginName | null): void;
  /** It is complete. */
  ends(digest: Digest): void;
  /** Something went wrong that the pull survives. */
  trouble(problem: string): void;
}

/** What a pull needs of others. */
export interface PullDeps {
  readonly credentials: FindCredentials;
  readonly report: PullReport;
  readonly signal: AbortSignal;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/** As containerd does by default, config and layers together. */
const PARALLEL_BLOBS = 3;

/** An index of indexes of indexes is somebody's joke. */
const MAX_DEPTH = 4;

/**
 * Pulls.
 *
 * @param options What, and where to
 * @param deps Credentials, and who hears of it
 * @returns The descriptor that now has the name
 * @throws {Error} If it cannot be had; what came is kept for the next pull
 */
export async function pullImage(
  options: PullOptions,
  deps: PullDeps,
): Promise<Descriptor> {
  const { image, platform, path } = options;
  const { report, signal } = deps;
  const { repository, target } = image;
  const writer = layoutWriter(path);
  const places = placesOf(options, deps);

  async function have(
    kind: WantedContent["kind"],
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<void> {
    const { digest, size } = descriptor;
    report.begins(kind, descriptor);
    if (!await writer.has(digest, size)) {
      await fetchContent({ kind, repository, descriptor }, {
        origins: places,
        writer,
        signal,
        onBytes: (offset, from) => report.has(digest, offset, from),
        onTrouble: report.trouble,
      });
    }
    report.ends(digest);
  }

  async function haveNode(
    descriptor: Descriptor,
    depth: number,
  ): Promise<ImageNode> {
    if (depth > MAX_DEPTH) throw new Error("Cannot pull so deep an index");
    const { digest, size } = descriptor;
    if (size > MANIFEST_MAX_BYTES) {
      throw new Error(`Cannot pull a manifest of ${size} bytes: too large`);
    }
    await have("manifest", descriptor, signal);
    const node = readImageNode(await readBlob(path, digest));
    if (node.kind === "index") {
      for (const entry of chosen(node.manifests, platform, image.name)) {
        await haveNode(entry, depth + 1);
      }
    } else {
      await inParallel(
        node.blobs,
        (blob, signal) => have("blob", blob, signal),
        { limit: PARALLEL_BLOBS, signal },
      );
    }
    return node;
  }

  const found = await resolveTarget({
    origins: places,
    repository,
    target,
    signal,
    onTrouble: report.trouble,
  });
  const { mediaType } = await haveNode(found, 0);
  const descriptor = { ...found, mediaType };
  await writer.tag(image.tag, descriptor);
  return descriptor;
}

function placesOf(
  { image, mirror }: PullOptions,
  { credentials, report, signal, fetcher = fetch }: PullDeps,
) {
  const { registry, registryUrl, repository } = image;
  const access = registryAccess({
    registry,
    base: registryUrl,
    repository,
    credentials,
    signal,
    fetcher,
    onUnusable: (error) =>
      report.trouble(`${describeError(error)}; going on without credentials`),
  });
  return origins({
    registry,
    registryUrl,
    access,
    mirror,
    onMirrorAway: (error) =>
      report.trouble(
        `the mirror does not answer: ${describeError(error)}; ` +
          "the registry is asked",
      ),
    fetcher,
  });
}

function chosen(
  entries: readonly IndexEntry[],
  platform: WantedPlatform,
  name: string,
): readonly IndexEntry[] {
  const fitting = choosePlatform(entries, platform);
  if (fitting.length > 0 || entries.length === 0) return fitting;
  // What could be asked for: others may say anything, to a terminal, too.
  const there = entries.flatMap(({ platform }) => platform ?? [])
    .filter(({ os }) => os !== "unknown").map(formatPlatform)
    .filter((text) => parsePlatform(text) !== null);
  const wanted = platform === "all" ? "any platform" : formatPlatform(platform);
  throw new Error(
    `Cannot pull ${name} for ${wanted}: it has ${
      [...new Set(there)].join(", ") || "no platform"
    }; choose one with --platform, or all`,
  );
}

/** A manifest that is here, checked once more: a disk is only a disk. */
async function readBlob(path: string, digest: Digest): Promise<Uint8Array> {
  const file = blobPath(path, digest);
  const bytes = await Deno.readFile(file);
  const { algorithm } = splitDigest(digest);
  if (digestOf(bytes, algorithm) === digest) return bytes;
  throw new Error(`Cannot use ${file}: it is damaged; remove it`);
}
