/**
 * What is still being pulled into a store, as a source: the folder `ingest/`,
 * whose `data` files are valid prefixes that only grow. It is containerd's; a
 * layout that Peili writes has the same.
 *
 *     ingest/<hash of the ref>/ref     k8s.io/<n>/layer-sha256:<hex>
 *                             /total   size in ASCII, when it is known
 *                             /data    the bytes so far
 *
 * The files of an ingest appear one after another and go all at once: each may
 * be absent at any moment.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "node:path/posix";
import { boundedMap } from "../async/bounded_map.ts";
import { partOf } from "./part.ts";
import {
  type ContentSource,
  LOCAL,
  type Located,
  type OpenContent,
  type OpenOptions,
} from "./source.ts";
import type { ContentFilter } from "./filter.ts";
import type { Log } from "../log.ts";
import { type Digest, digestVerifier, parseDigest } from "../oci/digest.ts";
import {
  MANIFEST_MAX_BYTES,
  manifestType,
  OCTET_STREAM,
} from "../oci/media_type.ts";
import { isWholeRange } from "../oci/range.ts";
import type { ContentRequest } from "../oci/request.ts";
import { tailBody } from "./tail_body.ts";

/** One piece of content that is being pulled. */
export interface Ingest {
  /** What it will be when it is complete. */
  readonly digest: Digest;
  /** Size of the whole in bytes, as the manifest claims; 0 while unknown. */
  readonly total: number;
  /** Bytes so far. */
  readonly offset: number;
  /** When the last bytes came, in ms since the epoch. */
  readonly grewAt: number;
  /** Path of its bytes. */
  readonly path: string;
}

/** What is being pulled on this node. */
export interface Ingests {
  /** Looks now, in this namespace; the one that grew last, if there are several. */
  find(digest: Digest): Promise<Ingest | null>;
  /** The same as content for other nodes: only what will really grow. */
  readonly source: ContentSource;
}

/** Where the ingests are and whose are shared. */
export interface IngestsOptions {
  /** The store's content folder, which holds `ingest/`. */
  readonly contentPath: string;
  /** Only pulls of this namespace are seen; all when left out. */
  readonly namespace?: string;
  /**
   * Tells whether this node takes part in a flight of a digest. Its ingest is
   * then offered before its first byte.
   */
  readonly takesPart: (digest: Digest) => boolean;
  /** Decides what is shared; nothing of unknown origin while it restricts. */
  readonly filter: Pick<ContentFilter, "restricts">;
  /** Hears of ingests that are not understood. */
  readonly log: Log;
}

/**
 * An ingest that did not grow for so long, in ms, and is in no flight is an
 * orphan, a queued layer, or full and failed: not offered.
 */
const IDLE_MS = 5_000;

/** The kernel's clock for file times is up to one tick, in ms, behind. */
const MTIME_LAG_MS = 10;

/** Folder names whose ref is remembered. */
const MAX_REFS = 4_096;

/**
 * A ref's last part: what kind of content, perhaps a name, and the digest
 * (containerd's `MakeRefKey`: `layer-sha256:<hex>`, `index-<name>@sha256:<hex>`).
 */
const REF_DIGEST = /[-@]([a-z0-9]+:[0-9a-f]+)$/;

/**
 * Makes the view of what is being pulled into a folder.
 *
 * @param options Where, whose, and which flights this node is in
 * @returns The view; `ingest/` need not be there yet
 */
export function folderIngests(options: IngestsOptions): Ingests {
  const { namespace, takesPart, log } = options;
  const root = join(options.contentPath, "ingest");
  const digests = boundedMap<string, Digest | "other">(MAX_REFS);
  const startedAt = Date.now() - MTIME_LAG_MS;

  /** The digest that a folder is for; null while its ref is not written. */
  async function digestIn(folder: string): Promise<Digest | "other" | null> {
    const known = digests.get(folder);
    if (known) return known;
    const ref = await readText(join(root, folder, "ref"));
    if (!ref) return null;
    const own = namespace === undefined || ref.startsWith(`${namespace}/`);
    const digest = own ? parseDigest(REF_DIGEST.exec(ref)?.[1] ?? "") : null;
    if (own && !digest) log.debug("ingest not understood", { ref });
    digests.set(folder, digest ?? "other");
    return digest ?? "other";
  }

  async function find(digest: Digest): Promise<Ingest | null> {
    let best: Ingest | null = null;
    for (const folder of await folders(root)) {
      if (await digestIn(folder) !== digest) continue;
      const ingest = await look(digest, join(root, folder));
      // One that a crash left behind may have more bytes and gets no more.
      if (ingest && ingest.grewAt >= (best?.grewAt ?? 0)) best = ingest;
    }
    return best;
  }

  async function offered(
    { digest, registry, plain }: ContentRequest,
  ): Promise<Ingest | null> {
    // Only containerd knows where it pulls from; others may say what they like.
    const isKnown = registry !== undefined && !plain;
    if (options.filter.restricts && !isKnown) return null;
    const ingest = await find(digest);
    if (!ingest || ingest.total === 0) return null;
    const isIdle = Date.now() - ingest.grewAt >= IDLE_MS;
    // All is there and yet it is not committed: it is wrong.
    if (isIdle && ingest.offset >= ingest.total) return null;
    const grows = ingest.offset > 0 && ingest.grewAt > startedAt && !isIdle;
    return grows || takesPart(digest) ? ingest : null;
  }

  async function open(
    request: ContentRequest,
    options: OpenOptions,
  ): Promise<OpenContent | null> {
    const { kind, digest } = request;
    const ingest = await offered(request);
    if (!ingest) return null;
    const { total, path } = ingest;
    if (kind === "manifest") return await openManifest(ingest, options);
    // `bytes=0-` is how containerd begins parallel ranges. A chunk that is not
    // there yet would wait, or fail the pull; the whole makes it one stream.
    const part = isWholeRange(options.range)
      ? null
      : partOf(options.range, total);
    const file = await openFile(path);
    if (!file) return null;
    const { signal } = options;
    const body = tailBody(file, part ?? { start: 0, end: total - 1 }, signal);
    const descriptor = { mediaType: OCTET_STREAM, digest, size: total };
    return { descriptor, range: part, body, from: LOCAL };
  }

  /** A manifest's type is in its bytes: it is read whole before it is served. */
  async function openManifest(
    { digest, total, path }: Ingest,
    { range, signal }: OpenOptions,
  ): Promise<OpenContent | null> {
    if (total > MANIFEST_MAX_BYTES) return null;
    const file = await openFile(path);
    if (!file) return null;
    const body = tailBody(file, { start: 0, end: total - 1 }, signal);
    const bytes = await readWhole(body);
    const mediaType = bytes && fits(bytes, digest) ? manifestType(bytes) : null;
    if (!bytes || !mediaType) return null;
    const part = partOf(range, total);
    const wanted = bytes.slice(part?.start ?? 0, (part?.end ?? Infinity) + 1);
    return {
      descriptor: { mediaType, digest, size: total },
      range: part,
      body: ReadableStream.from([wanted]),
      from: LOCAL,
    };
  }

  return {
    find,
    source: {
      resolve: () => Promise.resolve(null), // A tag is named when all is there.
      async stat(request): Promise<Located | null> {
        const { kind, digest } = request;
        const ingest = kind === "blob" ? await offered(request) : null;
        if (!ingest) return null;
        const { total } = ingest;
        return { mediaType: OCTET_STREAM, digest, size: total, from: LOCAL };
      },
      open,
    },
  };
}

/** Reads a body to its end; null when the pull was given up, or nobody waits. */
async function readWhole(
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array | null> {
  try {
    return Buffer.concat(await Array.fromAsync(body));
  } catch {
    return null; // It is not here after all.
  }
}

function fits(bytes: Uint8Array, digest: Digest): boolean {
  const verifier = digestVerifier(digest);
  verifier.update(bytes);
  return verifier.matches();
}

/** What an ingest is now; null when it is gone or has no data file yet. */
async function look(digest: Digest, folder: string): Promise<Ingest | null> {
  const path = join(folder, "data");
  const [total, stat] = await Promise.all([
    readText(join(folder, "total")),
    Deno.lstat(path).catch(() => null), // Not yet, or not any more.
  ]);
  if (!stat?.isFile) return null; // A link could lead to any file of the node.
  return {
    digest,
    total: /^[0-9]{1,15}$/.test(total ?? "") ? Number(total) : 0,
    offset: stat.size,
    grewAt: stat.mtime?.getTime() ?? 0,
    path,
  };
}

/** containerd 2.x makes the folder with the first pull. */
async function folders(root: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name);
  } catch {
    return []; // Not there: nothing is being pulled.
  }
}

/**
 * Bytes that are read of a ref or a total: a name of 255 bytes and a digest, with
 * room. Whoever gives a layout to this node can write anything there.
 */
const MAX_TEXT_BYTES = 1_024;

async function readText(path: string): Promise<string | null> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(MAX_TEXT_BYTES);
    const size = await file.read(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, size)).trim();
  } catch {
    return null; // Not written yet, or gone with its ingest.
  }
}

async function openFile(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path);
  } catch {
    return null; // Committed or given up since it was looked at.
  }
}
