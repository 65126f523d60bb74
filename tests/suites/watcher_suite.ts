/**
 * What every watcher of a store must tell, and how it ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  ContentEvent,
  ContentWatcher,
} from "../../src/content/watcher.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { OCI_INDEX } from "../../src/oci/media_type.ts";
import { eventually } from "./eventually.ts";
import { watching } from "./watching.ts";

/** A store that can be changed while it is watched. */
export interface WatchedStore extends AsyncDisposable {
  /** What is tested. */
  readonly watcher: ContentWatcher;
  /** Adds content. */
  put(content: string): Promise<Digest>;
  /** Removes content. */
  delete(digest: Digest): Promise<void>;
  /** Gives content a name, or another content its name. */
  tag(name: string, digest: Digest): Promise<void>;
  /** Removes a name. */
  untag(name: string): Promise<void>;
}

/** Makes a store that is empty. */
export type MakeStore = () => Promise<WatchedStore>;

const NAME = "registry.example:5000/suite/app:v1";
const OTHER_NAME = "registry.example:5000/suite/app:v2";

const index = (comment: string) =>
  JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, comment });

const created = (digest: Digest): ContentEvent => ({ kind: "created", digest });
const deleted = (digest: Digest): ContentEvent => ({ kind: "deleted", digest });
const tagged = (name: string, digest: Digest): ContentEvent => ({
  kind: "tagged",
  name,
  digest,
});
const untagged = (name: string): ContentEvent => ({ kind: "untagged", name });

const CASES: Readonly<Record<string, (store: WatchedStore) => Promise<void>>> =
  {
    async "tells that nothing is there"({ watcher }) {
      await using watch = watching(watcher);
      assert.deepEqual(await watch.first(), []);
    },

    async "tells first all that is there, each thing once"(store) {
      const [a, b] = [await store.put("a"), await store.put(index("b"))];
      await store.tag(NAME, b);
      await store.tag(OTHER_NAME, b);
      await using watch = watching(store.watcher);
      assertSame(await watch.first(), [
        created(a),
        created(b),
        tagged(NAME, b),
        tagged(OTHER_NAME, b),
      ]);
    },

    async "tells what comes and goes, each thing once"(store) {
      const old = await store.put("old");
      await using watch = watching(store.watcher);
      await watch.first();
      const fresh = await store.put("fresh");
      await watch.until(created(fresh));
      await store.delete(old);
      await watch.until(deleted(old));
      const last = await store.put("last");
      await watch.until(created(last));
      assertSame(watch.told(), [
        created(old),
        created(fresh),
        deleted(old),
        created(last),
      ]);
    },

    async "tells names that come, move and go, each once"(store) {
      const [one, two] = [
        await store.put(index("1")),
        await store.put(index("2")),
      ];
      await using watch = watching(store.watcher);
      await watch.first();
      await store.tag(NAME, one);
      await watch.until(tagged(NAME, one));
      await store.tag(NAME, two);
      await watch.until(tagged(NAME, two));
      await store.untag(NAME);
      await watch.until(untagged(NAME));
      assertSame(watch.told(), [
        created(one),
        created(two),
        tagged(NAME, one),
        tagged(NAME, two),
        untagged(NAME),
      ]);
    },

    async "does not tell again what is put again"(store) {
      const digest = await store.put("again");
      await using watch = watching(store.watcher);
      await watch.first();
      await store.put("again");
      const other = await store.put("other");
      await watch.until(created(other));
      assertSame(watch.told(), [created(digest), created(other)]);
    },

    async "tells again what comes back"(store) {
      const digest = await store.put("back");
      await using watch = watching(store.watcher);
      await watch.first();
      await store.delete(digest);
      await watch.until(deleted(digest));
      await store.put("back");
      await watch.until(created(digest), 2);
      assertSame(watch.told(), [
        created(digest),
        deleted(digest),
        created(digest),
      ]);
    },

    async "tells what comes while a batch is looked at"(store) {
      await store.put("before");
      let during: Digest | undefined;
      await using watch = watching(store.watcher, async () => {
        during ??= await store.put("during");
      });
      await watch.first();
      await eventually("it has come", () => during !== undefined);
      assert.ok(during);
      await watch.until(created(during));
    },

    async "tells a new iteration all that is there"(store) {
      const digest = await store.put(index("a"));
      await store.tag(NAME, digest);
      for (let round = 0; round < 2; round++) {
        await using watch = watching(store.watcher);
        assertSame(await watch.first(), [
          created(digest),
          tagged(NAME, digest),
        ]);
      }
    },

    async "ends without an error when its signal aborts"({ watcher }) {
      const ended = new AbortController();
      const batches: (readonly ContentEvent[])[] = [];
      for await (const batch of watcher.watch(ended.signal)) {
        batches.push(batch);
        setTimeout(() => ended.abort()); // While it waits.
      }
      assert.deepEqual(batches, [[]]);
    },

    async "ends when its signal aborts while a batch is looked at"(store) {
      await store.put("content");
      const ended = new AbortController();
      let batches = 0;
      for await (const _batch of store.watcher.watch(ended.signal)) {
        batches++;
        ended.abort();
      }
      assert.equal(batches, 1);
    },

    async "frees all when its consumer leaves"({ watcher }) {
      const { signal } = new AbortController();
      for await (const _batch of watcher.watch(signal)) break;
    },
  };

/**
 * Registers the suite.
 *
 * @param name What is tested, `memoryStore().watch()`
 * @param make Makes an empty store for each case
 */
export function watcherSuite(name: string, make: MakeStore): void {
  for (const [sentence, check] of Object.entries(CASES)) {
    Deno.test(`${name} ${sentence}`, async () => {
      await using store = await make();
      await check(store);
    });
  }
}

/** Compares events whatever their order. */
function assertSame(
  actual: readonly ContentEvent[],
  expected: readonly ContentEvent[],
): void {
  const sorted = (events: readonly ContentEvent[]) =>
    events.map((event) => JSON.stringify(event)).sort();
  assert.deepEqual(sorted(actual), sorted(expected));
}
