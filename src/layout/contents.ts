/**
 * What is in a layout, kept up to date: its watcher and its source look at the
 * same listing.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { type Listing, listLayout } from "./listing.ts";

/** The listings of one layout. */
export interface LayoutContents {
  /** The last listing that is done; null while there is none. */
  latest(): Listing | null;
  /**
   * Lists anew. Several who ask at once share a listing, which begins after
   * each of them asked.
   *
   * @throws {Error} If there is no such folder
   */
  list(): Promise<Listing>;
}

/** Odd things that are remembered as told; a layout with more has other trouble. */
const MAX_TOLD = 1_000;

/**
 * Makes the listings of a layout.
 *
 * @param root Its folder, which need not be there yet
 * @param log Hears what is odd, each thing once
 * @returns The listings, of which none is begun
 */
export function layoutContents(root: string, log: Log): LayoutContents {
  const told = new Set<string>();
  let latest: Listing | null = null;
  let running: Promise<Listing> | null = null;
  let next: Promise<Listing> | null = null;

  function tellOnce(
    message: string,
    fields: Readonly<Record<string, string>>,
  ): void {
    const key = JSON.stringify([message, fields]);
    if (told.has(key) || told.size >= MAX_TOLD) return;
    told.add(key);
    log.warn(message, fields);
  }

  async function list(): Promise<Listing> {
    try {
      return latest = await listLayout(root, latest, tellOnce);
    } catch (error) {
      latest = null; // The folder is gone, and all in it.
      throw error;
    } finally {
      running = null;
    }
  }

  async function listNext(after: Promise<Listing>): Promise<Listing> {
    await after.catch(() => {/* who asked for it hears of it */});
    next = null;
    return await (running = list());
  }

  return {
    latest: () => latest,
    list() {
      if (!running) return running = list();
      return next ??= listNext(running);
    },
  };
}
