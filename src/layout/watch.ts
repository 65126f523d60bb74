/**
 * Watching a layout that changes while it is served: the system tells of files
 * that come and go, and a listing tells what they mean.
 *
 * @module
 */

import { basename, dirname, join } from "node:path/posix";
import type { Catalog } from "../content/catalog.ts";
import {
  type ListedStore,
  listedWatcher,
  type ListedWatcherOptions,
} from "../content/listed_watcher.ts";
import type { ContentEvent, ContentWatcher } from "../content/watcher.ts";
import type { Log } from "../log.ts";
import type { LayoutContents } from "./contents.ts";
import { ALGORITHMS, imagesOf } from "./listing.ts";

/** Something happened in the folder; what, a listing tells. */
type Change = "changed";

/** What watching needs of other parts. */
export interface LayoutWatchDeps {
  /** The layout's folder. */
  readonly path: string;
  /** Lists it. */
  readonly contents: LayoutContents;
  /** Is kept up to date. */
  readonly catalog: Catalog;
  /** Hears when the folder goes and comes. */
  readonly log: Log;
}

/**
 * From a change to a listing, in milliseconds: an image comes as several files.
 */
const SETTLE_MS = 200;

/** While large files are copied in, listings take at most this part of the time. */
const LISTING_SHARE = 10;

/**
 * Makes a watcher of a layout.
 *
 * @param deps Folder, listings, catalog and log
 * @param options How often to list
 * @returns The watcher, for one iteration at a time; it waits for a folder that
 * is not there
 */
export function layoutWatcher(
  deps: LayoutWatchDeps,
  options: ListedWatcherOptions = {},
): ContentWatcher {
  const { path, contents, catalog, log } = deps;
  let folder: string | null = null;

  async function list(): Promise<ContentEvent[]> {
    const listing = await contents.list();
    const before = folder;
    folder = listing.folder;
    // A stick that was plugged in there: the system still watches what it hides.
    if (before !== null && before !== folder) {
      throw new Error(`Cannot go on: there is another folder at ${path} now`);
    }
    return catalog.update(listing.entries, imagesOf(listing));
  }

  async function lost(): Promise<ContentEvent[]> {
    const isThere = await Deno.stat(path).then(() => true, () => false);
    return isThere ? [] : catalog.update([], []);
  }

  const store: ListedStore<Change> = {
    name: "the layout",
    restart() {
      folder = null;
      catalog.restart();
    },
    events: (signal) => changes(path, log, signal),
    list,
    apply: () => Promise.resolve([]), // A listing alone knows what a file is.
    settleMs: (events) =>
      events.length === 0 ? Infinity : Math.max(
        SETTLE_MS,
        LISTING_SHARE * (contents.latest()?.tookMs ?? 0),
      ),
    hasAftermath: () => false,
    lost,
    everything: "changed",
  };
  return listedWatcher(store, log, options);
}

/** Tells that something changed; an ingest that grows is no change. */
async function* changes(
  root: string,
  log: Log,
  signal: AbortSignal,
): AsyncIterable<Change> {
  while (!signal.aborted) {
    const folders = await watchedFolders(root);
    using watch = begin(folders, log, signal);
    if (!watch) return await aborted(signal);
    // One that was made just before the watch is told of by nobody.
    const now = await watchedFolders(root);
    if (now.join("\0") !== folders.join("\0")) continue;
    yield "changed"; // What came since the last listing was not told.
    for await (const { kind, paths } of watch.events) {
      if (kind === "access") continue; // Reading is no change.
      yield "changed";
      // One more folder: it must be watched, too.
      if (paths.some(isWatched)) break;
    }
  }
}

/** The system's word on some folders. */
interface FolderWatch extends Disposable {
  readonly events: AsyncIterable<Deno.FsEvent>;
}

/** Begins to watch; null when the system does not: then listings must do. */
function begin(
  folders: string[],
  log: Log,
  signal: AbortSignal,
): FolderWatch | null {
  let events: Deno.FsWatcher;
  try {
    events = Deno.watchFs(folders, { recursive: false });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    log.warn("the layout's changes are seen by listing it only", { error });
    return null;
  }
  let open = true;
  const close = () => {
    if (open) events.close();
    open = false;
  };
  if (signal.aborted) close();
  signal.addEventListener("abort", close, { once: true });
  return {
    events,
    [Symbol.dispose]() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Where content appears: not the ingests, which change with every write. */
async function watchedFolders(root: string): Promise<string[]> {
  const folders = [root];
  const blobs = join(root, "blobs");
  try {
    for await (const { name } of Deno.readDir(blobs)) {
      if (ALGORITHMS.has(name)) folders.push(join(blobs, name));
    }
    folders.push(blobs);
  } catch {
    // Not there yet; the root tells when it comes.
  }
  return folders.toSorted();
}

/** By name: the system may write the root in another way. */
function isWatched(path: string): boolean {
  return basename(path) === "blobs" || basename(dirname(path)) === "blobs";
}
