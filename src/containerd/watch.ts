/**
 * Watching containerd: its events where it sends them, and a listing every half
 * minute everywhere, because no version tells all.
 *
 * containerd 2.1 and later announce each blob; 1.6 and 1.7 only images; garbage
 * collection announces nothing in any of them.
 *
 * @module
 */

import { backoff, sleep } from "../async/backoff.ts";
import type { ContentEvent, ContentWatcher } from "../content/watcher.ts";
import type { Log } from "../log.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import type { Catalog } from "./catalog.ts";
import type {
  ContainerdClient,
  ContainerdEvent,
  ContainerdImage,
  ContentInfo,
} from "./client.ts";

/** What watching needs of other parts. */
export interface WatchDeps {
  /** Tells what is there and what happens. */
  readonly client: ContainerdClient;
  /** Is kept up to date. */
  readonly catalog: Catalog;
  /** Hears of content that is gone. */
  readonly onDeleted: (digest: Digest) => void;
  /** Hears when containerd goes and comes. */
  readonly log: Log;
}

/** How often to list, in milliseconds. */
export interface WatchOptions {
  /**
   * Between two listings when nothing happens.
   *
   * @default {30_000}
   */
  readonly reconcileMs?: number;
}

const RECONCILE_MS = 30_000;

/**
 * From an image event to a listing. An image's event comes after its last blob;
 * several images pulled together need one listing.
 */
const IMAGE_SETTLE_MS = 200;

/** From the removal of an image to a second listing: GC runs behind it. */
const GC_SETTLE_MS = 3_000;

/** A containerd that restarts is back within seconds; one that is not there is
 * asked for every 5 s at most. */
const AWAY = { initialMs: 100, maxMs: 5_000 };

/**
 * Makes a watcher of containerd's content and images.
 *
 * @param deps Client, catalog, listener and log
 * @param options How often to list
 * @returns The watcher; it is for one iteration at a time, because the catalog
 * knows only one "last told"
 */
export function containerdWatcher(
  deps: WatchDeps,
  options: WatchOptions = {},
): ContentWatcher {
  const { client, log } = deps;
  return {
    async *watch(signal) {
      const delays = backoff(AWAY);
      let away = false;
      deps.catalog.restart();
      while (!signal.aborted) {
        try {
          for await (const batch of watchOnce(deps, options, signal)) {
            if (away) log.info("containerd is back");
            away = false;
            delays.reset();
            yield batch;
          }
        } catch (error) {
          if (signal.aborted) return;
          if (!away) log.warn("containerd is away; waiting for it", { error });
          away = true;
        }
        if (!signal.aborted && !away) log.warn("containerd ended its events");
        away = true;
        await sleep(delays.next(), signal);
      }
    },
  };

  /** Watches for as long as containerd stays. */
  async function* watchOnce(
    deps: WatchDeps,
    { reconcileMs = RECONCILE_MS }: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<ContentEvent[]> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]); // One a connection.
    const inbox = new Inbox(client.events(both));
    try {
      // Subscribed first, listed second: what comes between is told twice,
      // which is harmless, not missed. The subscription has no receipt, so
      // the second listing comes soon.
      yield await list(deps, signal);
      let nextListing = Date.now() + Math.min(reconcileMs, GC_SETTLE_MS);
      let removed = false; // An image, since the last listing.
      while (!signal.aborted) {
        const events = await inbox.take(nextListing - Date.now());
        removed ||= events.some(isImageRemoval);
        const told = await apply(events, deps, signal);
        if (told.length > 0) yield told;
        nextListing = Math.min(nextListing, Date.now() + settleMs(events));
        if (Date.now() < nextListing) continue;
        const changed = await list(deps, signal);
        if (changed.length > 0) yield changed;
        nextListing = Date.now() +
          (removed ? Math.min(reconcileMs, GC_SETTLE_MS) : reconcileMs);
        removed = false;
      }
    } finally {
      ended.abort();
    }
  }
}

function isImageRemoval({ topic }: ContainerdEvent): boolean {
  return topic === "/images/delete" || topic === "/images/update";
}

function settleMs(events: readonly ContainerdEvent[]): number {
  return events.some(({ topic }) => topic.startsWith("/images/"))
    ? IMAGE_SETTLE_MS
    : Infinity;
}

async function list(
  { client, catalog, onDeleted }: WatchDeps,
  signal: AbortSignal,
): Promise<ContentEvent[]> {
  const contents: ContentInfo[] = [];
  const images: readonly ContainerdImage[] = await client.images(signal);
  for await (const infos of client.contents(signal)) contents.push(...infos);
  const events = catalog.update(contents, images);
  for (const event of events) {
    if (event.kind === "deleted") onDeleted(event.digest);
  }
  return events;
}

/** Turns containerd's content events into ours; the rest a listing tells. */
async function apply(
  events: readonly ContainerdEvent[],
  { client, catalog, onDeleted }: WatchDeps,
  signal: AbortSignal,
): Promise<ContentEvent[]> {
  const told: ContentEvent[] = [];
  for (const { topic, subject } of events) {
    const digest = parseDigest(subject);
    if (!digest) continue;
    if (topic === "/content/delete") {
      onDeleted(digest);
      const event = catalog.deleted(digest);
      if (event) told.push(event);
    } else if (topic === "/content/create") {
      // Its labels may come later; then the next listing tells of it.
      const info = await client.info(digest, signal);
      const event = info && catalog.isShared(info) && catalog.created(digest);
      if (event) told.push(event);
    }
  }
  return told;
}

/** containerd's events, collected until somebody takes them. */
class Inbox {
  #events: ContainerdEvent[] = [];
  #end: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(source: AsyncIterable<ContainerdEvent>) {
    this.#collect(source).then(
      () => this.#finish(new Error("the event stream ended")),
      (error) => this.#finish(error),
    );
  }

  /**
   * Waits for events, at most so many milliseconds.
   *
   * @throws What ended the stream
   */
  async take(ms: number): Promise<ContainerdEvent[]> {
    if (this.#events.length === 0 && !this.#end && ms > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    if (this.#end && this.#events.length === 0) throw this.#end.error;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  async #collect(source: AsyncIterable<ContainerdEvent>): Promise<void> {
    for await (const event of source) {
      if (this.#events.length >= MAX_WAITING) this.#events = [EVERYTHING];
      this.#events.push(event);
      this.#wake();
    }
  }

  #finish(error: unknown): void {
    this.#end = { error };
    this.#wake();
  }
}

/** Events that wait at most; beyond that a listing tells as much. */
const MAX_WAITING = 10_000;

/** Stands for all that was dropped: it makes the watcher list. */
const EVERYTHING: ContainerdEvent = { topic: "/images/update", subject: "" };
