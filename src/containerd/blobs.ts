/**
 * containerd's committed content as a source: what exists is asked over gRPC,
 * the bytes are read from its disk.
 *
 * The disk alone would not do: it holds the content of all namespaces, and
 * another namespace's private build is not to be shared. gRPC alone would not
 * do either: it moves 245 MB/s, the disk 4 times that.
 *
 * @module
 */

import { join } from "node:path/posix";
import type { Catalog } from "../content/catalog.ts";
import { fileBody } from "../content/file_body.ts";
import { readIfManifest } from "../content/manifest_file.ts";
import { partOf } from "../content/part.ts";
import {
  type ContentSource,
  LOCAL,
  type Located,
  type OpenContent,
} from "../content/source.ts";
import { type Digest, splitDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import {
  MANIFEST_MAX_BYTES,
  manifestType,
  OCTET_STREAM,
} from "../oci/media_type.ts";
import { tagKey } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import { boundedMap } from "../async/bounded_map.ts";
import type { Log } from "../log.ts";
import type { ContainerdClient, ContentInfo } from "./client.ts";
import { entryOf } from "./labels.ts";

/** What the source needs of other parts. */
export interface BlobsDeps {
  /** Tells what exists. */
  readonly client: ContainerdClient;
  /** Tells what is shared, and what a manifest refers to. */
  readonly catalog: Pick<Catalog, "isBlob" | "isShared">;
  /** Hears of content that containerd has and the disk has not. */
  readonly log: Log;
}

/** What the user sets. */
export interface BlobsOptions {
  /** containerd's content folder, which holds `blobs/`. */
  readonly contentPath: string;
}

/** The source, and how to tell it that something is gone. */
export interface Blobs extends ContentSource {
  /**
   * Tells whether content is committed.
   *
   * @throws While containerd is away
   */
  has(digest: Digest): Promise<boolean>;
  /** Forgets what is known of content: it was deleted. */
  forget(digest: Digest): void;
}

/**
 * How long containerd's word that content exists is believed, in milliseconds.
 * Garbage collection announces nothing; opening the file would tell, too, but
 * not for another namespace's copy.
 */
const INFO_TTL_MS = 30_000;

/** The signal of calls that only their own deadline ends. */
const NEVER = new AbortController().signal;

/** Entries of each cache: 10,000 infos with labels are about 8 MiB. */
const MAX_CACHED = 10_000;

/**
 * Makes the source of containerd's committed content.
 *
 * @param deps Client, catalog and log
 * @param options Where the content is
 * @returns The source; while containerd is away everything is "not here"
 */
export function containerdBlobs(deps: BlobsDeps, options: BlobsOptions): Blobs {
  const { client, catalog, log } = deps;
  const infos = boundedMap<Digest, { info: ContentInfo; until: number }>(
    MAX_CACHED,
  );
  const asking = new Map<Digest, Promise<ContentInfo | null>>();
  const types = boundedMap<Digest, string | null>(MAX_CACHED);

  async function find(
    digest: Digest,
    signal: AbortSignal,
  ): Promise<ContentInfo | null> {
    const cached = infos.get(digest);
    if (cached && cached.until > Date.now()) return cached.info;
    // Most questions are about what is not here, and the disk knows that 10 times
    // faster than containerd, which need not be asked then.
    if (!await isFile(pathOf(digest))) return null;
    const info = await ask(digest);
    signal.throwIfAborted();
    if (!info || !catalog.isShared(entryOf(info))) return null;
    infos.set(digest, { info, until: Date.now() + INFO_TTL_MS });
    return info;
  }

  /** Several who ask at once share one call; nobody's end ends it. */
  function ask(digest: Digest): Promise<ContentInfo | null> {
    const running = asking.get(digest);
    if (running) return running;
    const answer = client.info(digest, NEVER)
      .finally(() => asking.delete(digest));
    asking.set(digest, answer);
    return answer;
  }

  /** The manifest type of content, or null when it is a blob. */
  async function typeOf({ digest, size }: ContentInfo): Promise<string | null> {
    if (size > MANIFEST_MAX_BYTES || catalog.isBlob(digest)) return null;
    const known = types.get(digest);
    if (known !== undefined) return known;
    const bytes = await readIfManifest(pathOf(digest), size);
    const type = bytes && manifestType(bytes);
    types.set(digest, type);
    return type;
  }

  async function describe(
    { kind, digest }: ContentRequest,
    signal: AbortSignal,
  ): Promise<Located | null> {
    const info = await find(digest, signal);
    if (!info) return null;
    const type = await typeOf(info);
    if ((kind === "manifest") !== (type !== null)) return null;
    const mediaType = type ?? OCTET_STREAM;
    return { mediaType, digest, size: info.size, from: LOCAL };
  }

  function pathOf(digest: Digest): string {
    const { algorithm, hex } = splitDigest(digest);
    return join(options.contentPath, "blobs", algorithm, hex);
  }

  /** Turns "containerd is away" and "the file is gone" into "not here". */
  async function unlessAway<T>(
    digest: Digest | null,
    signal: AbortSignal,
    answer: Promise<T | null>,
  ): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      if (digest) infos.delete(digest);
      if (!signal.aborted) {
        log.debug("content could not be read", { digest, error });
      }
      return null;
    }
  }

  async function open(
    request: ContentRequest,
    options: Parameters<ContentSource["open"]>[1],
  ): Promise<OpenContent | null> {
    const descriptor = await describe(request, options.signal);
    if (!descriptor) return null;
    const range = partOf(options.range, descriptor.size);
    const file = await Deno.open(pathOf(request.digest));
    const part = range ?? { start: 0, end: descriptor.size - 1 };
    return { descriptor, range, body: fileBody(file, part), from: LOCAL };
  }

  return {
    resolve(reference, { signal }) {
      const answer = client.image(tagKey(reference), signal).then((image) =>
        image && describe({
          kind: "manifest",
          repository: reference.repository,
          digest: image.target,
        }, signal)
      );
      return unlessAway(null, signal, answer);
    },
    stat: (request, { signal }) =>
      unlessAway(request.digest, signal, describe(request, signal)),
    open: (request, options) =>
      unlessAway(request.digest, options.signal, open(request, options)),
    has: async (digest) => await ask(digest) !== null,
    forget(digest) {
      infos.delete(digest);
      types.delete(digest);
    },
  };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false; // Not there, or not to be read: either way it cannot be served.
  }
}
