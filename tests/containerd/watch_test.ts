/**
 * Watching a containerd that goes away, comes back, and tells less than all.
 *
 * @module
 */

import assert from "node:assert/strict";
import { catalog } from "../../src/content/catalog.ts";
import { containerdWatcher } from "../../src/containerd/watch.ts";
import { contentFilter } from "../../src/content/filter.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { eventually } from "../suites/eventually.ts";
import { recordedLog } from "../suites/recorded_log.ts";
import { type Watching, watching } from "../suites/watching.ts";
import {
  type Call,
  type FakeContainerd,
  fakeContainerd,
} from "./fake_containerd.ts";

const NEVER_MS = 1e9;
const NAME = "registry.example:5000/app:v1";

/** A fake and a watcher of it, with what they say beside events. */
function setUp(options: { reconcileMs: number }) {
  const fake = fakeContainerd();
  const { log, lines } = recordedLog();
  const forgotten: Digest[] = [];
  const oddNames: string[] = [];
  const filter = contentFilter({
    mirroredRegistries: [],
    registryFilters: [],
    resolveTags: true,
    resolveLatestTag: true,
  });
  const watcher = containerdWatcher({
    client: fake.client,
    catalog: catalog({ filter, onOddName: (name) => oddNames.push(name) }),
    onDeleted: (digest) => forgotten.push(digest),
    log,
  }, options);
  return { fake, watcher, lines, forgotten, oddNames };
}

const warnings = (lines: ReturnType<typeof recordedLog>["lines"]) =>
  lines.filter(({ level }) => level === "warn");

const createdTimes = (watch: Watching, digest: Digest) =>
  watch.told().filter((event) =>
    event.kind === "created" && event.digest === digest
  ).length;

Deno.test("containerdWatcher() waits for a containerd that is away at the start", async () => {
  const { fake, watcher, lines } = setUp({ reconcileMs: NEVER_MS });
  const digest = fake.put("content");
  fake.stop();
  await using watch = watching(watcher);
  await eventually("it was asked for again", () => timesOf(fake, "images") > 1);
  assert.deepEqual(watch.told(), []);
  fake.start();
  assert.deepEqual(await watch.first(), [{ kind: "created", digest }]);
  assert.equal(warnings(lines).length, 1, "told once that it is away");
  assert.equal(lines.at(-1)?.level, "info");
});

Deno.test("containerdWatcher() tells what changed while containerd was away, and nothing twice", async () => {
  const { fake, watcher, forgotten } = setUp({ reconcileMs: NEVER_MS });
  const stays = fake.put("stays");
  const goes = fake.put("goes");
  await using watch = watching(watcher);
  await watch.first();
  fake.stop();
  fake.collect(goes);
  const comes = fake.put("comes");
  fake.name(NAME, stays);
  fake.start();
  await watch.until({ kind: "created", digest: comes });
  await watch.until({ kind: "deleted", digest: goes });
  await watch.until({ kind: "tagged", name: NAME, digest: stays });
  assert.equal(createdTimes(watch, stays), 1);
  assert.deepEqual(forgotten, [goes]);
});

Deno.test("containerdWatcher() hears events again after containerd was away", async () => {
  const { fake, watcher } = setUp({ reconcileMs: NEVER_MS });
  await using watch = watching(watcher);
  await watch.first();
  for (const content of ["one", "two"]) {
    const subscriptions = timesOf(fake, "events");
    fake.stop();
    fake.start();
    await eventually(
      "it listens again",
      () => timesOf(fake, "events") > subscriptions,
    );
    const digest = fake.put(content);
    await watch.until({ kind: "created", digest });
  }
});

Deno.test.each<{ call: Call }>([
  { call: "events" },
  { call: "images" },
  { call: "contents" },
])(
  "containerdWatcher() misses nothing that comes during $call",
  async ({ call }) => {
    const { fake, watcher } = setUp({ reconcileMs: NEVER_MS });
    let during: Digest | undefined;
    fake.beforeCall = (begun) => {
      if (begun !== call) return;
      during ??= fake.put("during");
    };
    await using watch = watching(watcher);
    await watch.first();
    assert.ok(during);
    await watch.until({ kind: "created", digest: during });
    const after = fake.put("after");
    await watch.until({ kind: "created", digest: after });
    assert.equal(createdTimes(watch, during), 1);
  },
);

Deno.test("containerdWatcher() tells of a name before it lists again", async () => {
  const { fake, watcher } = setUp({ reconcileMs: NEVER_MS });
  const old = fake.put("old");
  const digest = fake.put("content");
  await using watch = watching(watcher);
  await watch.first();
  const listing = Promise.withResolvers<void>();
  fake.beforeCall = (call) => call === "images" ? listing.promise : undefined;
  fake.name(NAME, old);
  await watch.until({ kind: "tagged", name: NAME, digest: old });
  fake.name(NAME, digest);
  await watch.until({ kind: "tagged", name: NAME, digest });
  const told = watch.told().length;
  listing.resolve();
  fake.unname(NAME);
  await watch.until({ kind: "untagged", name: NAME });
  assert.equal(
    watch.told().length,
    told + 1,
    "the listing tells no name again",
  );
});

Deno.test("containerdWatcher() lists again when garbage is collected behind a removed image", async () => {
  const { fake, watcher, forgotten } = setUp({ reconcileMs: NEVER_MS });
  const digest = fake.put("content");
  fake.name(NAME, digest);
  await using watch = watching(watcher);
  await watch.first();
  fake.unname(NAME);
  await watch.until({ kind: "untagged", name: NAME });
  fake.collect(digest);
  await watch.until({ kind: "deleted", digest });
  assert.deepEqual(forgotten, [digest]);
  // No listing is due now but the one that a name calls for.
  const next = fake.put("next");
  fake.name(NAME, next);
  await watch.until({ kind: "tagged", name: NAME, digest: next });
});

Deno.test("containerdWatcher() tells of a deletion that was announced", async () => {
  const { fake, watcher, forgotten } = setUp({ reconcileMs: NEVER_MS });
  const digest = fake.put("content");
  await using watch = watching(watcher);
  await watch.first();
  fake.delete(digest);
  await watch.until({ kind: "deleted", digest });
  assert.deepEqual(forgotten, [digest]);
});

Deno.test("containerdWatcher() forgets even what it had not told", async () => {
  const { fake, watcher, forgotten } = setUp({ reconcileMs: NEVER_MS });
  await using watch = watching(watcher);
  await watch.first();
  const digest = fake.put("content");
  fake.delete(digest);
  await eventually("it is forgotten", () => forgotten.includes(digest));
});

Deno.test("containerdWatcher() goes past names and subjects that are odd", async () => {
  const { fake, watcher, oddNames } = setUp({ reconcileMs: NEVER_MS });
  const digest = fake.put("content");
  const odd = ["docker.io/UPPER:v1", "a b/c:1", "docker.io/x:1@sha256:short"];
  for (const name of odd) fake.name(name, digest);
  fake.name(digest, digest); // What CRI calls each image, too.
  fake.name("import-2026-01-01", digest);
  fake.name(NAME, digest);
  await using watch = watching(watcher);
  assert.deepEqual(await watch.first(), [
    { kind: "created", digest },
    { kind: "tagged", name: NAME, digest },
  ]);
  fake.tell({ topic: "/content/create", subject: "sha256:short" });
  fake.tell({ topic: "/content/create", subject: "" });
  fake.tell({ topic: "/content/delete", subject: "../../etc" });
  fake.tell({ topic: "/surprise/create", subject: digest });
  const next = fake.put("next");
  await watch.until({ kind: "created", digest: next });
  assert.deepEqual(oddNames.toSorted(), odd.toSorted());
});

Deno.test("containerdWatcher() is not ended by one call that fails", async () => {
  const { fake, watcher, lines } = setUp({ reconcileMs: NEVER_MS });
  await using watch = watching(watcher);
  await watch.first();
  let failures = 0;
  fake.beforeCall = (call) => {
    if (call === "info" && failures++ === 0) throw new Error("4 DEADLINE");
  };
  const digest = fake.put("content");
  await watch.until({ kind: "created", digest });
  assert.equal(warnings(lines).length, 1);
  assert.equal(fake.subscribers.size, 1, "the broken one is ended");
});

Deno.test("containerdWatcher() listens no more when its consumer leaves", async () => {
  const { fake, watcher } = setUp({ reconcileMs: NEVER_MS });
  const { signal } = new AbortController();
  for await (const _batch of watcher.watch(signal)) {
    assert.equal(fake.subscribers.size, 1);
    break;
  }
  await eventually("nobody listens", () => fake.subscribers.size === 0);
});

Deno.test("containerdWatcher() tells no error when it is ended", async () => {
  const { fake, watcher, lines } = setUp({ reconcileMs: NEVER_MS });
  fake.put("content");
  const ended = new AbortController();
  fake.beforeCall = (call) => {
    if (call === "contents") ended.abort();
  };
  for await (const _batch of watcher.watch(ended.signal)) assert.fail();
  assert.deepEqual(lines, []);
});

function timesOf(fake: FakeContainerd, call: Call): number {
  return fake.calls.filter((made) => made === call).length;
}
