/**
 * How long the cluster as a source waits, and for whom.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { watchedSignal } from "../suites/watched_signal.ts";
import { silent } from "./fake_cluster.ts";
import { follow, guidedCluster, isSentTo, LEAD, pulling } from "./fake_home.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

const SMALL = fakeContent(1000);
const LARGE = fakeContent(CHECKED_MAX_BYTES + 1000);
const { signal } = new AbortController();

const good: Answer = (request) =>
  goodAnswer(request.url.includes(SMALL.digest) ? SMALL : LARGE, request);

/** Answers when a node that is queued has given it up, and others have not. */
const late: Answer = (request) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(good(request)), 1_000);
    request.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(request.signal.reason);
    });
  });

/** What a request costs at a peer. */
const GET = `GET ${pathOf(LARGE.request)}`;
const LOCATION =
  `https://docker.io/v2/library/app/blobs/${LARGE.request.digest}`;

Deno.test("cluster() asks home again while a parent has no first byte, and holds nothing against it", async () => {
  const { source, requests, asked } = guidedCluster({
    peers: { a: silent, b: good },
    replies: [follow("a"), follow("b")],
    pull: pulling(0),
    askAgainMs: 20,
  });
  const open = await source.open(LARGE.request, { signal });
  assert.equal(open?.from, "b:1");
  await open?.body.cancel();
  assert.deepEqual(requests, [`a ${GET}`, `b ${GET}`]);
  assert.deepEqual(asked.map(({ failed }) => failed), [[], []]);
});

Deno.test("cluster() waits no longer in all than it may", async () => {
  const { source, requests } = guidedCluster({
    peers: { a: silent, b: silent },
    replies: [follow("a", "b")],
    pull: pulling(0),
    obtainMs: 20,
  });
  await assert.rejects(
    source.open(LARGE.request, { signal }),
    isSentTo(LOCATION),
  );
  assert.deepEqual(requests, [`a ${GET}`]);
});

Deno.test("cluster() waits briefly while its own lead is queued behind a 404", async () => {
  const { source, requests, asked } = guidedCluster({
    peers: { a: late },
    replies: [LEAD, follow("a"), LEAD],
    pull: pulling(0),
    upstream: () => Promise.resolve(null),
  });
  assert.equal(await source.open(SMALL.request, { signal }), null);
  assert.equal(await source.open(LARGE.request, { signal }), null);
  assert.deepEqual(requests, [`a ${GET}`]);
  assert.equal(asked.length, 3);
});

Deno.test("cluster() waits again when its own lead has begun", async () => {
  const answered = Promise.withResolvers<void>();
  let offset = 0;
  const { source } = guidedCluster({
    peers: {
      async a(request) {
        await answered.promise;
        return good(request);
      },
    },
    replies: [LEAD, follow("a")],
    pull: () => ({ kind: "pulling", offset, total: 0 }),
    upstream: () => Promise.resolve(null),
  });
  assert.equal(await source.open(SMALL.request, { signal }), null);
  offset = 1;
  const opening = source.open(LARGE.request, { signal });
  // Longer than a queued node waits.
  setTimeout(answered.resolve, 300);
  const open = await opening;
  assert.equal(open?.from, "a:1");
  await open?.body.cancel();
});

Deno.test("cluster() frees all when its client leaves while it waits", async () => {
  const controller = new AbortController();
  const client = watchedSignal(controller);
  const { source, requests, leads, metrics } = guidedCluster({
    peers: {
      a(request) {
        setTimeout(() => controller.abort());
        return silent(request);
      },
      b: silent,
    },
    replies: [follow("a", "b"), LEAD],
    pull: pulling(0),
  });
  const { signal } = client;
  await source.open(LARGE.request, { signal }).catch(() => {});
  assert.deepEqual(requests, [`a ${GET}`], "nobody is asked for nobody");
  assert.equal(client.listeners.size, 0);
  assert.ok(!leads.takeDecided(LARGE.digest));
  assert.deepEqual(metrics.values, {
    "peili_flights_total{decision=follow}": 1,
  });
});

const lost = () => Promise.reject(new Error("the router is lost"));
const never = () => new Promise<never>(() => {});

Deno.test.each([{ name: "fails", next: lost }, { name: "hangs", next: never }])(
  "cluster() asks home when a lookup $name",
  async ({ next }) => {
    const { source, requests, asked } = guidedCluster({
      peers: { a: good },
      replies: [follow("a")],
      pull: pulling(0),
      router: (router) => ({
        ...router,
        lookup: () => ({ [Symbol.asyncIterator]: () => ({ next }) }),
      }),
    });
    const open = await source.open(LARGE.request, { signal });
    await open?.body.cancel();
    assert.deepEqual(requests, [`a ${GET}`]);
    assert.deepEqual(asked.map(({ holders }) => holders), [[]]);
  },
);
