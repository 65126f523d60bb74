/**
 * The store in memory is a watcher.
 *
 * @module
 */

import { memoryStore } from "../../src/content/memory.ts";
import { watcherSuite } from "../suites/watcher_suite.ts";

watcherSuite("memoryStore().watch()", () => {
  const store = memoryStore();
  return Promise.resolve({
    watcher: store,
    put: (content) => Promise.resolve(store.put(content)),
    delete: (digest) => Promise.resolve(store.delete(digest)),
    tag: (name, digest) => Promise.resolve(store.tag(name, digest)),
    untag: (name) => Promise.resolve(store.untag(name)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
