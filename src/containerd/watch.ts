/**
 * Watching containerd: its events where it sends them, and a listing for what no
 * version tells.
 *
 * containerd 2.1 and later announce each blob; 1.6 and 1.7 only images; garbage
 * collection announces nothing in any of them.
 *
 * @module
 */

import type { Catalog, CatalogEntry } from "../content/catalog.ts";
import {
  type ListedStore,
  listedWatcher,
  type ListedWatcherOptions,
} from "../content/listed_watcher.ts";
import type { ContentEvent, ContentWatcher } from "../content/watcher.ts";
import type { Log } from "../log.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import type {
  ContainerdClient,
  ContainerdEvent,
  ContainerdImage,
} from "./client.ts";
import { entryOf } from "./labels.ts";

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

/**
 * From an image event to a listing. An image's event comes after its last blob;
 * several images pulled together need one listing.
 */
const IMAGE_SETTLE_MS = 200;

/** Stands for all that was dropped. */
const EVERYTHING: ContainerdEvent = { topic: "/images/update", subject: "" };

/**
 * Makes a watcher of containerd's content and images.
 *
 * @param deps Client, catalog, listener and log
 * @param options How often to list
 * @returns The watcher; it is for one iteration at a time
 */
export function containerdWatcher(
  deps: WatchDeps,
  options: ListedWatcherOptions = {},
): ContentWatcher {
  const store: ListedStore<ContainerdEvent> = {
    name: "containerd",
    restart: () => deps.catalog.restart(),
    events: (signal) => deps.client.events(signal),
    list: (signal) => list(deps, signal),
    apply: (events, signal) => apply(events, deps, signal),
    settleMs,
    hasAftermath: (events) => events.some(isImageRemoval),
    lost: () => Promise.resolve([]), // Its content is on the disk all the same.
    everything: EVERYTHING,
  };
  return listedWatcher(store, deps.log, options);
}

/** Garbage is collected behind it. */
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
  const contents: CatalogEntry[] = [];
  const images: readonly ContainerdImage[] = await client.images(signal);
  for await (const infos of client.contents(signal)) {
    contents.push(...infos.map(entryOf));
  }
  const events = catalog.update(contents, images);
  for (const event of events) {
    if (event.kind === "deleted") onDeleted(event.digest);
  }
  return events;
}

/** Turns containerd's events into ours; the rest a listing tells. */
async function apply(
  events: readonly ContainerdEvent[],
  { client, catalog, onDeleted }: WatchDeps,
  signal: AbortSignal,
): Promise<ContentEvent[]> {
  const told: ContentEvent[] = [];
  for (const { topic, subject } of events) {
    if (topic === "/images/create" || topic === "/images/update") {
      if (subject === EVERYTHING.subject) continue;
      // Not with the listing: a rollout's next node asks for the tag at once.
      const image = await client.image(subject, signal);
      const event = image && catalog.tagged(image);
      if (event) told.push(event);
      continue;
    }
    const digest = parseDigest(subject);
    if (!digest) continue;
    if (topic === "/content/delete") {
      onDeleted(digest);
      const event = catalog.deleted(digest);
      if (event) told.push(event);
    } else if (topic === "/content/create") {
      // Its labels may come later; then the next listing tells of it.
      const info = await client.info(digest, signal);
      const event = info && catalog.isShared(entryOf(info)) &&
        catalog.created(digest);
      if (event) told.push(event);
    }
  }
  return told;
}
