/**
 * The complete content of a layout as a source.
 *
 * @module
 */

import { abortScope } from "../async/abort_scope.ts";
import { sleep } from "../async/backoff.ts";
import type { Catalog } from "../content/catalog.ts";
import { fileBody } from "../content/file_body.ts";
import { partOf } from "../content/part.ts";
import {
  type CallOptions,
  type ContentSource,
  LOCAL,
  type Located,
  type OpenContent,
  type OpenOptions,
} from "../content/source.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import { OCTET_STREAM } from "../oci/media_type.ts";
import { tagKey, type TagReference } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { LayoutContents } from "./contents.ts";
import { blobPath, fileFacts, TIME_STEP_MS } from "./folder.ts";
import { indexChangedAt } from "./index_file.ts";
import type { Stored } from "./listing.ts";

/** What the source needs of other parts. */
export interface LayoutBlobsDeps {
  /** The layout's folder. */
  readonly path: string;
  /** Tells what is complete. */
  readonly contents: LayoutContents;
  /** Tells what is shared. */
  readonly catalog: Pick<Catalog, "isShared">;
  /** Hears of content that is listed and cannot be read. */
  readonly log: Log;
}

/** How long is waited. */
export interface LayoutBlobsOptions {
  /**
   * Milliseconds that a question waits for a listing of what just came.
   *
   * @default {500}
   */
  readonly listingMs?: number;
}

/** The source, and whether it has something at all. */
export interface LayoutBlobs extends ContentSource {
  /**
   * Tells whether content is committed, shared or not.
   *
   * @throws {Error} While the folder is away
   */
  has(digest: Digest): Promise<boolean>;
}

/**
 * A listing of 1,000 blobs takes 70 ms, the first one 200 ms; 10,000 take 0.5 and
 * 1.8 s, and then, or on a slow disk, a pull must not be held up.
 */
const LISTING_MS = 500;

/** The kernel's clock for file times is up to a tick or two, in ms, behind. */
const TIME_LAG_MS = 20;

/**
 * Makes the source of a layout's complete content.
 *
 * @param deps Folder, listings, catalog and log
 * @param options How long is waited
 * @returns The source; while the folder is away everything is "not here"
 */
export function layoutBlobs(
  deps: LayoutBlobsDeps,
  { listingMs = LISTING_MS }: LayoutBlobsOptions = {},
): LayoutBlobs {
  const { path, contents, catalog, log } = deps;

  /** Waits for a listing, not for ever; what is known then counts. */
  async function listAnew(signal: AbortSignal): Promise<void> {
    using limit = abortScope(signal);
    const late = sleep(listingMs, limit.signal);
    await Promise.race([contents.list(), late]);
    signal.throwIfAborted();
  }

  /**
   * Tells whether the last listing may have missed a change. What is of the
   * future was written where the clock is ahead: it says nothing.
   */
  function mayBeNew(changedAt: number): boolean {
    const listed = contents.latest();
    if (!listed) return true;
    return changedAt >= listed.startedAt - TIME_LAG_MS &&
      changedAt <= Date.now() + TIME_STEP_MS;
  }

  async function find(
    digest: Digest,
    signal: AbortSignal,
  ): Promise<Stored | null> {
    const file = await fileFacts(blobPath(path, digest));
    if (!file) return null;
    const look = () => {
      const stored = contents.latest()?.contents.get(digest);
      return stored?.size === file.size ? stored : null;
    };
    // What was there when it was listed last, and not taken, need not be asked for.
    if (!look() && mayBeNew(file.changedAt)) await listAnew(signal);
    return catalog.isShared({ digest, origins: [] }) ? look() : null;
  }

  async function describe(
    { kind, digest }: ContentRequest,
    signal: AbortSignal,
  ): Promise<Located | null> {
    const stored = await find(digest, signal);
    if (!stored) return null;
    const { size, mediaType } = stored;
    if ((kind === "manifest") !== (mediaType !== null)) return null;
    return { mediaType: mediaType ?? OCTET_STREAM, digest, size, from: LOCAL };
  }

  async function resolve(
    reference: TagReference,
    { signal }: CallOptions,
  ): Promise<Located | null> {
    const { repository } = reference;
    const changedAt = await indexChangedAt(path);
    const isListed = contents.latest()?.indexAt === changedAt;
    if (!isListed || mayBeNew(changedAt ?? 0)) await listAnew(signal);
    const digest = contents.latest()?.names.get(tagKey(reference));
    if (!digest) return null;
    return await describe({ kind: "manifest", repository, digest }, signal);
  }

  async function open(
    request: ContentRequest,
    { range, signal }: OpenOptions,
  ): Promise<OpenContent | null> {
    const descriptor = await describe(request, signal);
    if (!descriptor) return null;
    const part = partOf(range, descriptor.size);
    const file = await Deno.open(blobPath(path, request.digest));
    const whole = { start: 0, end: descriptor.size - 1 };
    const body = fileBody(file, part ?? whole);
    return { descriptor, range: part, body, from: LOCAL };
  }

  /** Turns "the folder is away" and "the file is gone" into "not here". */
  async function unlessAway<T>(
    signal: AbortSignal,
    answer: Promise<T | null>,
  ): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      if (!signal.aborted) log.debug("content could not be read", { error });
      return null;
    }
  }

  return {
    resolve: (reference, options) =>
      unlessAway(options.signal, resolve(reference, options)),
    stat: (request, { signal }) =>
      unlessAway(signal, describe(request, signal)),
    open: (request, options) =>
      unlessAway(options.signal, open(request, options)),
    async has(digest) {
      if (await fileFacts(blobPath(path, digest))) return true;
      await Deno.stat(path);
      return false;
    },
  };
}
