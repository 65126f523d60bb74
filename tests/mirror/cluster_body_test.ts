/**
 * The cluster's bodies: they go on elsewhere at the very byte, or end so that
 * this node's containerd goes upstream at it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PullState } from "../../src/content/pull_state.ts";
import type { FlightReply } from "../../src/flight/messages.ts";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { eventually } from "../suites/eventually.ts";
import { watchedSignal } from "../suites/watched_signal.ts";
import { answers, silent, upTo } from "./fake_cluster.ts";
import {
  follow,
  guidedCluster,
  type GuidedOptions,
  hold,
  isSentTo,
  LEAD,
  pulling,
} from "./fake_home.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

/** Too large to be checked before its first byte, so that it can break. */
const CONTENT = fakeContent(CHECKED_MAX_BYTES + 1000);
const { request: REQUEST, digest: DIGEST, bytes: BYTES } = CONTENT;
const LAST = BYTES.length - 1;
const GET = `GET ${pathOf(REQUEST)}`;
const LOCATION = `https://docker.io/v2/library/app/blobs/${DIGEST}`;
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(CONTENT, request);

/** Reads to the end or the error; tells how many bytes came and why it ended. */
async function drain(
  body: ReadableStream<Uint8Array> | undefined,
): Promise<{ got: number; error: string | null }> {
  let got = 0;
  try {
    for await (const chunk of body ?? []) got += chunk.length;
  } catch (error) {
    return { got, error: String(error) };
  }
  return { got, error: null };
}

const PAIRS: {
  then: "break" | "hang";
  first: FlightReply;
  next: FlightReply;
}[] = [
  { then: "break", first: follow("a"), next: follow("b") },
  { then: "break", first: hold("a"), next: hold("b") },
  { then: "break", first: follow("a"), next: hold("b") },
  { then: "break", first: hold("a"), next: follow("b") },
  { then: "hang", first: follow("a"), next: follow("b") },
];

Deno.test.each(PAIRS)(
  "cluster() goes on at the byte of a $then, from $first.kind to $next.kind",
  async ({ then, first, next }) => {
    const { source, requests, asked, told, metrics } = guidedCluster({
      peers: { a: upTo(1000, then, good), b: good },
      replies: [first, next],
      pull: pulling(1000, BYTES.length),
    });
    const open = await source.open(REQUEST, { signal });
    assert.deepEqual(await new Response(open?.body).bytes(), BYTES);
    assert.deepEqual(requests, [`a ${GET}`, `b ${GET} bytes=1000-${LAST}`]);
    assert.deepEqual(asked.map(({ failed }) => failed), [[], ["a:1"]]);
    assert.deepEqual(told, [
      "follows a:1",
      "follows b:1",
      "delivered a:1 b:1",
    ]);
    assert.deepEqual(open?.flight, { role: first.kind, rejoins: 1 });
    assert.equal(metrics.values["peili_flight_rejoins_total{}"], 1);
  },
);

Deno.test("cluster() goes on through several parents, asking home each time", async () => {
  const { source, requests, asked, told } = guidedCluster({
    peers: {
      a: upTo(1000, "break", good),
      b: upTo(500, "break", good),
      c: answers(404),
      d: good,
    },
    replies: [follow("a"), follow("b"), follow("c"), follow("d")],
    pull: pulling(0),
  });
  const open = await source.open(REQUEST, { signal });
  assert.deepEqual(await new Response(open?.body).bytes(), BYTES);
  assert.deepEqual(requests, [
    `a ${GET}`,
    `b ${GET} bytes=1000-${LAST}`,
    `c ${GET} bytes=1500-${LAST}`,
    `d ${GET} bytes=1500-${LAST}`,
  ]);
  assert.deepEqual(asked.slice(2).map(({ failed }) => failed), [
    ["a:1", "b:1"],
    ["a:1", "b:1", "c:1"],
  ], "one that broke this body is not gone back to");
  assert.equal(told.at(-1), "delivered a:1 b:1 d:1");
});

Deno.test("cluster() goes back to a parent that broke the body when home names it", async () => {
  const { source, requests, asked } = guidedCluster({
    peers: { a: upTo(1000, "break", good), b: upTo(500, "break", good) },
    replies: [follow("a"), follow("b", "a"), follow("a", "b"), LEAD],
    pull: pulling(0),
  });
  const open = await source.open(REQUEST, { signal });
  const { got } = await drain(open?.body);
  assert.equal(got, 2500);
  assert.deepEqual(requests, [
    `a ${GET}`,
    `b ${GET} bytes=1000-${LAST}`,
    `a ${GET} bytes=1500-${LAST}`,
  ]);
  assert.ok(asked.at(-1)?.failed.includes("a:1"));
});

Deno.test("cluster() goes on within the range that was asked", async () => {
  const { source, requests } = guidedCluster({
    peers: { a: upTo(10, "break", good), b: good },
    replies: [follow("a"), follow("b")],
    pull: pulling(0),
  });
  const range = { start: 100, end: 199 };
  const open = await source.open(REQUEST, { signal, range });
  assert.deepEqual(
    await new Response(open?.body).bytes(),
    BYTES.slice(100, 200),
  );
  assert.deepEqual(requests, [
    `a ${GET} bytes=100-199`,
    `b ${GET} bytes=110-199`,
  ]);
});

Deno.test.each([LEAD, { kind: "none" } as const])(
  "cluster() ends a body when home says $kind, and leads once without asking",
  async (reply) => {
    const { source, requests, asked, told } = guidedCluster({
      peers: { a: upTo(1000, "break", good), b: good },
      replies: [follow("a"), reply, follow("b")],
      pull: pulling(1000),
    });
    const open = await source.open(REQUEST, { signal });
    const { got, error } = await drain(open?.body);
    assert.equal(got, 1000);
    assert.match(error ?? "", /ended at byte 1000: broken/);

    const rest = { signal, range: { start: 1000 } };
    await assert.rejects(source.open(REQUEST, rest), isSentTo(LOCATION));
    assert.equal(asked.length, 2, "home was not asked again");
    // If upstream fails too, peers are asked again.
    const again = await source.open(REQUEST, rest);
    assert.deepEqual(await new Response(again?.body).bytes(), BYTES.slice(1e3));
    assert.equal(asked.length, 3);
    assert.deepEqual(requests, [`a ${GET}`, `b ${GET} bytes=1000-`]);
    assert.deepEqual(told, ["follows a:1", "follows b:1", "delivered b:1"]);
  },
);

Deno.test("cluster() ends a body with 404 to follow where it knows no registry", async () => {
  const { source, asked } = guidedCluster({
    peers: { a: upTo(1000, "break", good) },
    replies: [follow("a"), LEAD],
    pull: pulling(1000),
    upstream: () => Promise.resolve(null),
  });
  const open = await source.open(REQUEST, { signal });
  assert.equal((await drain(open?.body)).got, 1000);
  const range = { start: 1000 };
  assert.equal(await source.open(REQUEST, { signal, range }), null);
  assert.equal(asked.length, 2);
});

Deno.test.each([LEAD, { kind: "none" } as const])(
  "cluster() sends nobody upstream after a body of one who looks, at $kind",
  async (reply) => {
    const { source, asked, leads } = guidedCluster({
      peers: { a: upTo(1000, "break", good) },
      replies: [follow("a"), reply],
    });
    const open = await source.open(REQUEST, { signal });
    assert.equal((await drain(open?.body)).got, 1000);
    assert.deepEqual(asked.map(({ mayLead }) => mayLead), [false, false]);
    assert.ok(!leads.takeDecided(DIGEST));
  },
);

Deno.test("cluster() sends nobody upstream whose pull was given up meanwhile", async () => {
  let state: PullState = { kind: "pulling", offset: 0, total: 0 };
  const { source, leads } = guidedCluster({
    peers: { a: upTo(1000, "break", good) },
    replies: [follow("a"), LEAD],
    pull: () => state,
  });
  const open = await source.open(REQUEST, { signal });
  state = null;
  assert.equal((await drain(open?.body)).got, 1000);
  assert.ok(!leads.takeDecided(DIGEST));
});

Deno.test("cluster() ends a body when the next parent says that the range is none", async () => {
  const { source } = guidedCluster({
    peers: {
      a: upTo(1000, "break", good),
      b: () =>
        new Response(null, {
          status: 416,
          headers: { "Content-Range": "bytes */500" },
        }),
    },
    replies: [follow("a"), follow("b")],
    pull: pulling(0),
  });
  const open = await source.open(REQUEST, { signal });
  const { got, error } = await drain(open?.body);
  assert.equal(got, 1000);
  assert.match(error ?? "", /ended at byte 1000/);
});

Deno.test("cluster() asks no more when its client leaves while a body goes on", async () => {
  const controller = new AbortController();
  const client = watchedSignal(controller);
  const { source, requests, asked, told, leads } = guidedCluster({
    peers: {
      a: upTo(1000, "break", good),
      b(request) {
        setTimeout(() => controller.abort());
        return silent(request);
      },
    },
    replies: [follow("a"), follow("b"), LEAD],
    pull: pulling(1000),
  });
  const open = await source.open(REQUEST, { signal: client.signal });
  assert.equal((await drain(open?.body)).got, 1000);
  assert.deepEqual(requests, [`a ${GET}`, `b ${GET} bytes=1000-${LAST}`]);
  assert.equal(asked.length, 2);
  assert.equal(client.listeners.size, 0);
  assert.deepEqual(told, ["follows a:1"]);
  // A lead for nobody would cost the next one a whole download.
  assert.ok(!leads.takeDecided(DIGEST));
});

Deno.test("cluster() does not lead for a client that left while home was asked", async () => {
  const controller = new AbortController();
  const answer = Promise.withResolvers<FlightReply>();
  const { source, leads, asked } = guidedCluster({
    peers: { a: upTo(1000, "break", good) },
    replies: [follow("a"), answer.promise],
    pull: pulling(1000),
  });
  const open = await source.open(REQUEST, { signal: controller.signal });
  const draining = drain(open?.body);
  await eventually("home is asked again", () => asked.length === 2);
  controller.abort();
  answer.resolve({ kind: "none" });
  assert.equal((await draining).got, 1000);
  assert.ok(!leads.takeDecided(DIGEST));
});

Deno.test("cluster() lets go of its parent when its reader leaves", async () => {
  const left = Promise.withResolvers<unknown>();
  const { source, told } = guidedCluster({
    peers: {
      a(request) {
        const { headers } = good(request) as Response;
        const endless = new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(10)),
          cancel: left.resolve,
        });
        return new Response(endless, { headers });
      },
    },
    replies: [follow("a")],
    pull: pulling(0),
  });
  const open = await source.open(REQUEST, { signal });
  const reader = open?.body.getReader();
  await reader?.read();
  await reader?.cancel();
  await left.promise;
  assert.deepEqual(told, ["follows a:1"], "nothing was delivered");
});

Deno.test.each([
  { range: { start: 1000 }, told: ["delivered a:1"] },
  { range: { start: LAST }, told: ["delivered a:1"] },
  { range: { start: 0, end: LAST }, told: ["delivered a:1"] },
  // Its end says nothing of the pull's: containerd may ask for chunks.
  { range: { start: 0, end: LAST - 1 }, told: [] },
  { range: { start: 7, end: 9 }, told: [] },
])(
  "cluster() says that the last byte was delivered of $range, or nothing",
  async ({ range, told }) => {
    const cluster = guidedCluster({
      peers: { a: good },
      replies: [hold("a")],
      pull: pulling(0),
    });
    const open = await cluster.source.open(REQUEST, { signal, range });
    await drain(open?.body);
    assert.deepEqual(cluster.told, ["follows a:1", ...told]);
  },
);

Deno.test("cluster() delivers small content as it does large", async () => {
  const small = fakeContent(1000);
  const { source, told } = guidedCluster({
    peers: { a: (request) => goodAnswer(small, request) },
    replies: [follow("a")],
    pull: pulling(0),
  });
  const open = await source.open(small.request, { signal });
  assert.deepEqual(await new Response(open?.body).bytes(), small.bytes);
  assert.deepEqual(told, ["follows a:1", "delivered a:1"]);
});

/** Opens at a, which gives 1000 bytes and then none, and lets home say more. */
async function movedBy(
  order: FlightReply,
  options: Partial<GuidedOptions> = {},
) {
  const cluster = guidedCluster({
    peers: { a: upTo(1000, "hang", good), b: good },
    replies: [follow("a")],
    pull: pulling(0, BYTES.length),
    ...options,
  });
  const open = await cluster.source.open(REQUEST, { signal });
  const seat = cluster.seats.get(DIGEST) ?? assert.fail("it has no seat");
  assert.equal(seat.link(), 0, "too few bytes to tell");
  seat.move(order);
  return { ...cluster, open, read: await drain(open?.body) };
}

Deno.test.each([follow("b"), hold("b")])(
  "cluster() goes where home sends it in mid-body: $kind",
  async (order) => {
    const { requests, asked, told, seats, log, metrics, read } = await movedBy(
      order,
    );
    assert.deepEqual(read, { got: BYTES.length, error: null });
    assert.deepEqual(requests, [`a ${GET}`, `b ${GET} bytes=1000-${LAST}`]);
    assert.equal(asked.length, 1, "nobody is asked again");
    assert.deepEqual(told, [
      "follows a:1",
      "follows b:1",
      "delivered a:1 b:1",
    ]);
    const name = `peili_flight_moves_total{decision=${order.kind}}`;
    assert.equal(metrics.values[name], 1);
    assert.equal(seats.size, 0, "its seat is free");
    const failures = log.lines.filter(({ msg }) =>
      msg === "peer failed in mid-body"
    );
    assert.deepEqual(failures, [], "a did nothing wrong");
    const line = await log.line("peer was slow");
    assert.deepEqual([line.peer, line.offset], ["a:1", 1000]);
  },
);

Deno.test("cluster() ends a body when home tells it to lead, and leads at the next Range", async () => {
  const { source, read } = await movedBy(LEAD);
  assert.equal(read.got, 1000);
  const range = { start: 1000 };
  await assert.rejects(
    source.open(REQUEST, { range, signal }),
    isSentTo(LOCATION),
  );
});

Deno.test("cluster() asks home again when it was sent to nobody", async () => {
  const { requests, asked, read } = await movedBy(follow("c"), {
    peers: { a: upTo(1000, "hang", good), b: good, c: answers(404) },
    replies: [follow("a"), hold("b")],
  });
  assert.deepEqual(read, { got: BYTES.length, error: null });
  assert.deepEqual(requests, [
    `a ${GET}`,
    `c ${GET} bytes=1000-${LAST}`,
    `b ${GET} bytes=1000-${LAST}`,
  ]);
  assert.deepEqual(asked.at(-1)?.failed, ["c:1"]);
});
