/**
 * A node's containerd as a store: what it has, and what changes.
 *
 * @module
 */

import { catalog as makeCatalog } from "../content/catalog.ts";
import type { ContentFilter } from "../content/filter.ts";
import { folderIngests } from "../content/ingests.ts";
import { type Store, storeOf } from "../content/store.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import { containerdBlobs } from "./blobs.ts";
import { containerdClient } from "./client.ts";
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

/**
 * Opens a node's containerd, which need not be there yet.
 *
 * @param options Where it is and what is shared
 * @returns The store; disposing it closes the connection
 */
export function containerdStore(
  options: ContainerdStoreOptions,
): Store {
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
  const ingests = folderIngests({ ...options, takesPart });
  const { has } = source;
  return {
    ...storeOf({ source, watcher, ingests, has, takesPart }),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
