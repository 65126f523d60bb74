/**
 * A layout with content, as a store.
 *
 * @module
 */

import { type ContentFilter, contentFilter } from "../../src/content/filter.ts";
import type { Store } from "../../src/content/store.ts";
import { layoutStore } from "../../src/layout/store.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { type RecordedLog, recordedLog } from "../recorded.ts";
import type { Content } from "../suites/content.ts";
import { type LayoutFolder, layoutFolder } from "./layout_folder.ts";

/** Milliseconds for a listing where it must not be missed: the machine is busy. */
const PATIENCE_MS = 20_000;

/** A filter that hides nothing. */
export const ALLOWS_ALL: ContentFilter = contentFilter({
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
});

/** Nothing at all. */
export const NOTHING: Content = { blobs: [], manifests: [], tags: [] };

/** A folder and its store; disposing of it removes both. */
export interface FilledLayout extends Store, AsyncDisposable {
  /** What it is about. */
  readonly folder: LayoutFolder;
  /** Digests whose flights this node takes part in. */
  readonly parts: Set<Digest>;
  /** What was logged. */
  readonly log: RecordedLog;
}

/** Fills a temporary folder and opens it. */
export async function filledLayout(
  content: Content = NOTHING,
  filter: ContentFilter = ALLOWS_ALL,
): Promise<FilledLayout> {
  const folder = await layoutFolder();
  const { path } = folder;
  const log = recordedLog();
  const parts = new Set<Digest>();
  await folder.fill(content);
  const store = layoutStore({
    path,
    filter,
    log,
    listingMs: PATIENCE_MS,
    takesPart: (digest) => parts.has(digest),
  });
  return {
    ...store,
    folder,
    parts,
    log,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
