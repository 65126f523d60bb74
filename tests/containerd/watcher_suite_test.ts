/**
 * containerd is watched as any store, whatever its version announces.
 *
 * @module
 */

import { catalog } from "../../src/content/catalog.ts";
import { containerdWatcher } from "../../src/containerd/watch.ts";
import { contentFilter } from "../../src/content/filter.ts";
import { NO_LOG } from "../../src/log.ts";
import { type MakeStore, watcherSuite } from "../suites/watcher_suite.ts";
import { fakeContainerd } from "./fake_containerd.ts";

/** Often, so that what no event tells is told soon. */
const RECONCILE_MS = 20;

const ALLOWS_ALL = contentFilter({
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
});

function storeOf(announces: (topic: string) => boolean): MakeStore {
  return () => {
    const fake = fakeContainerd();
    fake.announces = announces;
    const watcher = containerdWatcher({
      client: fake.client,
      catalog: catalog({ filter: ALLOWS_ALL, onOddName() {} }),
      onDeleted() {},
      log: NO_LOG,
    }, { reconcileMs: RECONCILE_MS });
    return Promise.resolve({
      watcher,
      put: (content) => Promise.resolve(fake.put(content)),
      delete: (digest) => Promise.resolve(fake.delete(digest)),
      tag: (name, digest) => Promise.resolve(fake.name(name, digest)),
      untag: (name) => Promise.resolve(fake.unname(name)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  };
}

watcherSuite("containerdWatcher() over 2.1", storeOf(() => true));
watcherSuite(
  "containerdWatcher() over 1.6",
  storeOf((topic) => topic.startsWith("/images/")),
);
watcherSuite("containerdWatcher() without events", storeOf(() => false));
