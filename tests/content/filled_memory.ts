/**
 * A memory store that has the content of a suite.
 *
 * @module
 */

import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import type { Content } from "../suites/content.ts";

/**
 * Fills a new store.
 *
 * @param content What it has
 * @returns The store
 */
export function filledMemory(content: Content): MemoryStore {
  const store = memoryStore();
  for (const { bytes } of content.blobs) store.put(bytes);
  for (const { bytes } of content.manifests) store.put(bytes);
  for (const { name, target } of content.tags) store.tag(name, target);
  return store;
}
