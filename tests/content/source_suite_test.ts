/**
 * The sources and combinators of `content/` are content sources.
 *
 * @module
 */

import { filtered, firstOf } from "../../src/content/combine.ts";
import { contentFilter } from "../../src/content/filter.ts";
import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import type { Content } from "../suites/content.ts";
import { type FillSource, sourceSuite } from "../suites/source_suite.ts";
import { filledMemory } from "./filled_memory.ts";

/** Lets a test ask a wrapper of a store. */
function over(wrap: (store: MemoryStore) => ContentSource): FillSource {
  return (content) =>
    Promise.resolve({
      source: wrap(filledMemory(content)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
}

const ALLOWS_ALL = contentFilter({
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
});

sourceSuite("memoryStore()", over((store) => store));
sourceSuite("filtered()", over((store) => filtered(store, ALLOWS_ALL)));
sourceSuite(
  "firstOf() with nothing in front",
  over((store) => firstOf(memoryStore(), store, memoryStore())),
);
sourceSuite("firstOf() with content in two places", (content) => {
  const source = firstOf(
    filledMemory({ ...everyOther(content), tags: [] }),
    filledMemory(content),
  );
  return Promise.resolve({
    source,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

/** Every other piece. */
function everyOther({ blobs, manifests, tags }: Content): Content {
  return {
    blobs: blobs.filter((_piece, index) => index % 2 === 0),
    manifests: manifests.filter((_piece, index) => index % 2 === 0),
    tags,
  };
}
