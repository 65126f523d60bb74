/**
 * Telling the cluster what comes and goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { advertiser } from "../src/advertise.ts";
import type { Clock } from "../src/async/clock.ts";
import { inBackground } from "../src/async/background.ts";
import { memoryStore } from "../src/content/memory.ts";
import type { ContentEvent, ContentWatcher } from "../src/content/watcher.ts";
import { NO_LOG } from "../src/log.ts";
import type { Labels, Metrics } from "../src/metrics/metrics.ts";
import { NO_METRICS } from "../src/metrics/metrics.ts";
import { type Digest, digestOf } from "../src/oci/digest.ts";
import { memoryNetwork } from "../src/routing/memory.ts";
import type { Router } from "../src/routing/router.ts";
import { eventually } from "./suites/eventually.ts";
import { smallImage } from "./suites/image.ts";
import { recordedLog } from "./suites/recorded_log.ts";

const A = digestOf("a");
const B = digestOf("b");
const NAME = "registry.example:5000/app:v1";

const created = (digest: Digest): ContentEvent => ({ kind: "created", digest });
const deleted = (digest: Digest): ContentEvent => ({ kind: "deleted", digest });
const tagged = (digest: Digest): ContentEvent => ({
  kind: "tagged",
  name: NAME,
  digest,
});
const UNTAGGED: ContentEvent = { kind: "untagged", name: NAME };

/** A watcher that tells these batches and ends. */
function told(batches: readonly (readonly ContentEvent[])[]): ContentWatcher {
  return {
    async *watch() {
      for (const batch of batches) yield await Promise.resolve(batch);
    },
  };
}

/** A router that knows only what it is told. */
function listening() {
  const keys = new Set<string>();
  const calls: string[] = [];
  const router: Router = {
    ready: () => ({ ready: true }),
    async *lookup() {},
    self: () => null,
    nearest: () => [],
    advertise(added) {
      calls.push(`advertise ${added.length}`);
      added.forEach((key) => keys.add(key));
      return Promise.resolve();
    },
    withdraw(gone) {
      calls.push(`withdraw ${gone.length}`);
      gone.forEach((key) => keys.delete(key));
      return Promise.resolve();
    },
    forget() {},
  };
  return { router, keys, calls };
}

/** Metrics that sum up what is shared. */
function countedMetrics() {
  const content: Record<string, number> = { digest: 0, tag: 0 };
  const metrics: Metrics = {
    ...NO_METRICS,
    gauge(name, { kind = "" }: Labels, change) {
      assert.equal(name, "peili_content");
      content[kind] = (content[kind] ?? 0) + change;
    },
  };
  return { metrics, content };
}

async function advertise(batches: readonly (readonly ContentEvent[])[]) {
  const { router, keys, calls } = listening();
  const { metrics, content } = countedMetrics();
  const { log, lines } = recordedLog();
  const advertised = advertiser({
    watcher: told(batches),
    router,
    log,
    metrics,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
  });
  await advertised.run(new AbortController().signal);
  return { keys: [...keys].toSorted(), calls, content, lines };
}

Deno.test.each<{
  name: string;
  batches: ContentEvent[][];
  keys: string[];
  content: { digest: number; tag: number };
}>([
  { name: "nothing", batches: [[]], keys: [], content: { digest: 0, tag: 0 } },
  {
    name: "all that is there",
    batches: [[created(A), created(B), tagged(A)]],
    keys: [A, B, NAME],
    content: { digest: 2, tag: 1 },
  },
  {
    name: "what comes and goes",
    batches: [[created(A)], [created(B), tagged(B)], [deleted(A), UNTAGGED]],
    keys: [B],
    content: { digest: 1, tag: 0 },
  },
  {
    name: "a tag that moves",
    batches: [[created(A), created(B), tagged(A)], [tagged(B)]],
    keys: [A, B, NAME],
    content: { digest: 2, tag: 1 },
  },
  {
    name: "what goes and comes back in one batch",
    batches: [[created(A), tagged(A)], [
      deleted(A),
      UNTAGGED,
      created(A),
      tagged(A),
    ]],
    keys: [A, NAME],
    content: { digest: 1, tag: 1 },
  },
  {
    name: "what comes and goes in one batch",
    batches: [[created(A), tagged(A), UNTAGGED, deleted(A)]],
    keys: [],
    content: { digest: 0, tag: 0 },
  },
])("advertiser() leaves the cluster with $name", async (row) => {
  const { keys, content } = await advertise(row.batches);
  assert.deepEqual(keys, row.keys.toSorted());
  assert.deepEqual(content, row.content);
});

/** A watcher that tells what it is given when it is given. */
function given() {
  const batches: (readonly ContentEvent[])[] = [];
  let more = Promise.withResolvers<void>();
  const watcher: ContentWatcher = {
    async *watch(signal) {
      signal.addEventListener("abort", () => more.resolve());
      while (!signal.aborted) {
        await more.promise;
        more = Promise.withResolvers();
        yield* batches.splice(0);
      }
    },
  };
  return {
    watcher,
    give(...added: (readonly ContentEvent[])[]) {
      batches.push(...added);
      more.resolve();
    },
  };
}

/** All that was given has come. */
function noted(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A clock that stands until it is told to go on. */
function standingClock() {
  const sleeps: { ms: number; end: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleeps.push({ ms, end: resolve });
        signal.addEventListener("abort", () => resolve());
      }),
  };
  return { clock, sleeps };
}

Deno.test("advertiser() tells the first batch at once, and what comes within 100 ms together", async () => {
  const { router, calls } = listening();
  const { watcher, give } = given();
  const { clock, sleeps } = standingClock();
  await using _running = inBackground((signal) =>
    advertiser({ watcher, router, log: NO_LOG, metrics: NO_METRICS, clock })
      .run(signal)
  );
  give([created(A), created(B), tagged(A)]);
  await eventually("the first is told", () => sleeps.length === 1);
  assert.deepEqual(calls, ["advertise 3"]);
  assert.equal(sleeps[0]?.ms, 100);
  give([deleted(A)], [created(digestOf("c"))], [created(digestOf("d"))], []);
  await noted();
  sleeps[0]?.end();
  await eventually("the others are told", () => sleeps.length === 2);
  assert.deepEqual(calls, ["advertise 3", "advertise 2", "withdraw 1"]);
});

Deno.test("advertiser() tells again what could not be told, ever less often, and the last word only", async () => {
  const { router, calls, keys } = listening();
  const { watcher, give } = given();
  const { clock, sleeps } = standingClock();
  let works = false;
  const advertised = advertiser({
    watcher,
    router: {
      ...router,
      advertise: (added) =>
        works ? router.advertise(added) : Promise.reject(new Error("alone")),
    },
    log: NO_LOG,
    metrics: NO_METRICS,
    clock,
  });
  await using _running = inBackground((signal) => advertised.run(signal));
  give([created(A), created(B)]);
  for (let tries = 1; tries < 6; tries++) {
    await eventually(`try ${tries}`, () => sleeps.length === tries);
    if (tries < 5) sleeps[tries - 1]?.end();
  }
  const delays = sleeps.map(({ ms }) => ms);
  for (const [index, ms] of delays.entries()) {
    assert.ok(ms >= 250 * 2 ** index && ms <= 500 * 2 ** index, `${delays}`);
  }
  assert.deepEqual(advertised.ready(), {
    ready: false,
    reason: "this node's content is not advertised yet",
  });
  works = true;
  give([deleted(A)]);
  await noted();
  sleeps[4]?.end();
  await eventually("all is told", () => advertised.ready().ready);
  assert.deepEqual([...keys], [B]);
  assert.deepEqual(calls, ["advertise 1", "withdraw 1"]);
});

Deno.test("advertiser() is ready once the first batch is told, even an empty one", async () => {
  const { router } = listening();
  const store = memoryStore();
  const telling = Promise.withResolvers<void>();
  const advertised = advertiser({
    watcher: store,
    router: { ...router, advertise: () => telling.promise },
    log: NO_LOG,
    metrics: NO_METRICS,
  });
  store.put("a");
  assert.ok(!advertised.ready().ready);
  await using _running = inBackground((signal) => advertised.run(signal));
  await Promise.resolve();
  assert.ok(!advertised.ready().ready, "not while it is told");
  telling.resolve();
  await eventually("it is ready", () => advertised.ready().ready);
});

Deno.test("advertiser() goes on when the cluster cannot be told", async () => {
  const { router, keys } = listening();
  const { log, lines } = recordedLog();
  let failures = 0;
  const advertised = advertiser({
    watcher: told([[created(A)], [created(B)]]),
    router: {
      ...router,
      advertise: (added) =>
        failures++ === 0
          ? Promise.reject(new Error("no network"))
          : router.advertise(added),
    },
    log,
    metrics: NO_METRICS,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
  });
  await advertised.run(new AbortController().signal);
  assert.deepEqual([...keys].toSorted(), [A, B].toSorted());
  assert.equal(lines.filter(({ level }) => level === "warn").length, 1);
});

Deno.test("advertiser() links a store to a cluster", async () => {
  const network = memoryNetwork();
  const self = { id: "self", address: "10.0.0.1:5002" };
  const router = network.join(self);
  const other = network.join({ id: "other", address: "10.0.0.2:5002" });
  const store = memoryStore();
  const { manifest, tag } = smallImage("app");
  const advertised = advertiser({
    watcher: store,
    router,
    log: NO_LOG,
    metrics: NO_METRICS,
  });
  await using _running = inBackground((signal) => advertised.run(signal));
  const digest = store.put(manifest);
  store.tag(tag, digest);
  const holders = async (key: string) => {
    const { signal } = new AbortController();
    return (await Array.fromAsync(other.lookup(key, { signal }))).length;
  };
  for (const key of [digest, tag]) {
    await eventually(`${key} is found`, async () => await holders(key) === 1);
  }
  store.untag(tag);
  store.delete(digest);
  for (const key of [digest, tag]) {
    await eventually(`${key} is gone`, async () => await holders(key) === 0);
  }
});
