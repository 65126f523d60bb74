/**
 * An OCI image layout folder as a node's store: what is in it, what is being
 * pulled into it, and what changes. Nothing is written.
 *
 * @module
 */

import { resolve } from "node:path/posix";
import { catalog as makeCatalog } from "../content/catalog.ts";
import type { ContentFilter } from "../content/filter.ts";
import { folderIngests } from "../content/ingests.ts";
import { type Store, storeOf } from "../content/store.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import { layoutBlobs, type LayoutBlobsOptions } from "./blobs.ts";
import { layoutContents } from "./contents.ts";
import { layoutWatcher } from "./watch.ts";

/** Where a layout is and what of it is shared. */
export interface LayoutStoreOptions extends LayoutBlobsOptions {
  /** Its folder. */
  readonly path: string;
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
 * Opens a layout, which need not be there yet.
 *
 * @param options Where it is and what is shared
 * @returns The store
 */
export function layoutStore(options: LayoutStoreOptions): Store {
  const { filter, log, takesPart = () => false, reconcileMs } = options;
  const path = resolve(options.path); // The system tells of whole paths.
  const contents = layoutContents(path, log);
  const catalog = makeCatalog({ filter, onOddName() {} }); // All are full here.
  const source = layoutBlobs({ path, contents, catalog, log }, options);
  const watcher = layoutWatcher(
    { path, contents, catalog, log },
    reconcileMs === undefined ? {} : { reconcileMs },
  );
  const ingests = folderIngests({ contentPath: path, takesPart, filter, log });
  return {
    ...storeOf({ source, watcher, ingests, has: source.has, takesPart }),
    [Symbol.dispose]() {}, // Nothing stays open between two calls.
  };
}
