/**
 * A node's containerd as a store: what it has, and what changes.
 *
 * @module
 */

import type { ContentFilter } from "../content/filter.ts";
import type { ContentSource } from "../content/source.ts";
import type { ContentWatcher } from "../content/watcher.ts";
import type { PullState } from "../flight/flights.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import { containerdBlobs } from "./blobs.ts";
import { catalog as makeCatalog } from "./catalog.ts";
import { containerdClient } from "./client.ts";
import { containerdIngests } from "./ingests.ts";
import { settled } from "./settled.ts";
import { containerdWatcher } from "./watch.ts";

/** Where containerd is and what of it is shared. */
export interface ContainerdStoreOptions {
  /** Path of containerd's socket. */
  readonly socket: string;
  /** Namespace whose content is shared. */
  readonly namespace: string;
  /** containerd's content folder, which holds `blobs/`. */
  readonly contentPath: string;
  /** Decides what is shared. */
  readonly filter: ContentFilter;
  /** Tells whether this node takes part in a flight of a digest. */
  readonly takesPart?: (digest: Digest) => boolean;
  /** Hears what is odd. */
  readonly log: Log;
  /**
   * Milliseconds between two listings when nothing happens.
   *
   * @default {30_000}
   */
  readonly reconcileMs?: number;
}

/** A node's containerd. */
export interface ContainerdStore extends Disposable {
  /** Its committed content. */
  readonly source: ContentSource;
  /** The same and what it is pulling, as far as that will really grow. */
  readonly shared: ContentSource;
  /** How far its own pull of a digest is. */
  readonly pullState: (digest: Digest) => Promise<PullState>;
  /** Its changes. The source knows no sharing rule by name before the first batch. */
  readonly watcher: ContentWatcher;
}

/**
 * Opens a node's containerd, which need not be there yet.
 *
 * @param options Where it is and what is shared
 * @returns The store; disposing it closes the connection
 */
export function containerdStore(
  options: ContainerdStoreOptions,
): ContainerdStore {
  const { filter, log, reconcileMs } = options;
  const client = containerdClient(options);
  const catalog = makeCatalog({
    filter,
    onOddName: (name) => log.warn("image name not understood", { name }),
  });
  const source = containerdBlobs({ client, catalog, log }, options);
  const watcher = containerdWatcher(
    { client, catalog, log, onDeleted: source.forget },
    reconcileMs === undefined ? {} : { reconcileMs },
  );
  const { takesPart = () => false } = options;
  const ingests = containerdIngests({ ...options, takesPart });
  return {
    source,
    watcher,
    shared: settled(source, ingests.source, takesPart),
    async pullState(digest) {
      const ingest = await ingests.find(digest);
      if (ingest) return { kind: "pulling", ...ingest };
      try {
        return await source.has(digest) ? { kind: "complete" } : null;
      } catch {
        return { kind: "unknown" }; // containerd is away; the watcher says so.
      }
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
