/**
 * The cluster as a source, until the first byte: whom it asks, whom it takes
 * content from, and when this node goes upstream.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PullState } from "../../src/content/pull_state.ts";
import type { FlightReply } from "../../src/flight/messages.ts";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { RangeRequest } from "../../src/oci/range.ts";
import { answers, refuses } from "./fake_cluster.ts";
import {
  follow,
  guidedCluster,
  hold,
  isSentTo,
  LEAD,
  pulling,
} from "./fake_home.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

const SMALL = fakeContent(1000);
const LARGE = fakeContent(CHECKED_MAX_BYTES + 1000);
const SIZE = LARGE.bytes.length;
const { signal } = new AbortController();

const good: Answer = (request) =>
  goodAnswer(request.url.includes(SMALL.digest) ? SMALL : LARGE, request);
const wrong: Answer = (request) =>
  goodAnswer({ ...SMALL, bytes: new Uint8Array(1000) }, request);

/** What a request costs at a peer. */
const GET = `GET ${pathOf(LARGE.request)}`;
const GET_SMALL = `GET ${pathOf(SMALL.request)}`;
const LOCATION =
  `https://docker.io/v2/library/app/blobs/${LARGE.request.digest}`;

const SENT = [
  { kind: "blob", registry: "ghcr.io", at: "https://ghcr.io", path: "blobs" },
  {
    kind: "manifest",
    registry: "10.99.0.2:5000",
    at: "https://10.99.0.2:5000",
    path: "manifests",
  },
] as const;

Deno.test.each(SENT)(
  "cluster() sends a leader's containerd to $at for a $kind",
  async ({ kind, registry, at, path }) => {
    const { source, requests, asked } = guidedCluster({
      replies: [LEAD],
      pull: pulling(0, SIZE),
    });
    await assert.rejects(
      source.open({ ...LARGE.request, kind, registry }, { signal }),
      isSentTo(`${at}/v2/library/app/${path}/${LARGE.digest}`),
    );
    assert.deepEqual(requests, []);
    assert.deepEqual(asked, [{
      mayLead: true,
      offset: 0,
      total: SIZE,
      holders: [],
      failed: [],
      stalled: null,
    }]);
  },
);

Deno.test("cluster() says 404 to a leader when nobody knows the registry", async () => {
  const { source, asked } = guidedCluster({
    replies: [LEAD],
    pull: pulling(0),
    upstream: () => Promise.resolve(null),
  });
  assert.equal(await source.open(LARGE.request, { signal }), null);
  assert.equal(asked.length, 1);
});

const NOT_PULLING: { name: string; state: PullState }[] = [
  { name: "no pull", state: null },
  { name: "all of it", state: { kind: "complete" } },
  { name: "a containerd that is away", state: { kind: "unknown" } },
];

Deno.test.each(NOT_PULLING)(
  "cluster() lets nobody lead who has $name",
  async ({ state }) => {
    for (const reply of [LEAD, { kind: "none" } as const]) {
      const { source, asked } = guidedCluster({
        replies: [reply],
        pull: () => state,
      });
      assert.equal(await source.open(LARGE.request, { signal }), null);
      assert.deepEqual(asked.map(({ mayLead }) => mayLead), [false]);
    }
  },
);

Deno.test("cluster() goes upstream on its own when nobody has it", async () => {
  const { source } = guidedCluster({
    replies: [{ kind: "none" }],
    pull: pulling(0),
  });
  await assert.rejects(
    source.open(LARGE.request, { signal }),
    isSentTo(LOCATION),
  );
});

const DELIVERED: { name: string; reply: FlightReply; pull: boolean }[] = [
  { name: "follow, with a pull", reply: follow("a", "b"), pull: true },
  { name: "follow, as one who looks", reply: follow("a", "b"), pull: false },
  { name: "holders, with a pull", reply: hold("a", "b"), pull: true },
  { name: "holders, as one who looks", reply: hold("a", "b"), pull: false },
];

Deno.test.each(DELIVERED)(
  "cluster() takes it from the first that home names: $name",
  async ({ reply, pull }) => {
    const { source, requests, told } = guidedCluster({
      peers: { a: good, b: good },
      replies: [reply],
      ...pull ? { pull: pulling(0, SIZE) } : {},
    });
    const open = await source.open(LARGE.request, { signal });
    assert.deepEqual([open?.from, open?.range], ["a:1", null]);
    assert.deepEqual(open?.flight, { role: reply.kind, rejoins: 0 });
    assert.deepEqual(await new Response(open?.body).bytes(), LARGE.bytes);
    assert.deepEqual(requests, [`a ${GET}`]);
    assert.deepEqual(told, ["follows a:1", "delivered a:1"]);
  },
);

Deno.test("cluster() tells home of a holder that it found", async () => {
  const { source, requests, asked } = guidedCluster({
    pull: pulling(0),
    keys: [LARGE.digest],
    peers: { a: good, b: good },
    replies: [hold("b", "a")],
  });
  const open = await source.open(LARGE.request, { signal });
  await open?.body.cancel();
  assert.deepEqual(asked.map(({ holders }) => holders), [["a:1"]]);
  // Home decides, because it knows who is busy.
  assert.deepEqual(requests, [`b ${GET}`]);
});

const FAILING: { name: string; answer: Answer }[] = [
  { name: "says 404", answer: answers(404) },
  { name: "says 503", answer: answers(503) },
  { name: "refuses", answer: refuses },
];

Deno.test.each(FAILING)(
  "cluster() asks home again without a parent that $name",
  async ({ answer }) => {
    const { source, requests, asked } = guidedCluster({
      peers: { a: answer, b: good },
      replies: [follow("a"), follow("b")],
      pull: pulling(0),
    });
    const open = await source.open(LARGE.request, { signal });
    assert.equal(open?.from, "b:1");
    await open?.body.cancel();
    assert.deepEqual(requests, [`a ${GET}`, `b ${GET}`]);
    assert.deepEqual(asked.map(({ failed }) => failed), [[], ["a:1"]]);
  },
);

Deno.test("cluster() follows only the first that home named, and tells who failed", async () => {
  const { source, requests, asked, told } = guidedCluster({
    peers: { a: answers(404), b: good },
    replies: [follow("a", "b"), follow("b")],
    pull: pulling(0),
  });
  const open = await source.open(LARGE.request, { signal });
  await open?.body.cancel();
  assert.deepEqual(requests, [`a ${GET}`, `b ${GET}`]);
  assert.deepEqual(asked.map(({ failed }) => failed), [[], ["a:1"]]);
  assert.deepEqual(told, ["follows b:1"]);
});

Deno.test("cluster() does not offer home a holder that just failed", async () => {
  const { source, asked } = guidedCluster({
    pull: pulling(0),
    keys: [LARGE.digest],
    peers: { a: answers(404), b: good },
    replies: [hold("a"), hold("b")],
  });
  const open = await source.open(LARGE.request, { signal });
  await open?.body.cancel();
  assert.deepEqual(
    asked.map(({ holders, failed }) => ({ holders, failed })),
    [
      { holders: ["a:1"], failed: [] },
      { holders: ["b:1"], failed: ["a:1"] },
    ],
  );
});

Deno.test("cluster() leads when everybody named has failed", async () => {
  const { source, requests } = guidedCluster({
    peers: { a: refuses, b: refuses },
    replies: [follow("a"), follow("b", "a"), LEAD],
    pull: pulling(0),
  });
  await assert.rejects(
    source.open(LARGE.request, { signal }),
    isSentTo(LOCATION),
  );
  assert.deepEqual(requests, [`a ${GET}`, `b ${GET}`]);
});

Deno.test.each([{ pull: true }, { pull: false }])(
  "cluster() follows 5 answers and no more, pull: $pull",
  async ({ pull }) => {
    const { source, asked, metrics } = guidedCluster({
      peers: { a: refuses },
      replies: Array.from({ length: 9 }, () => follow("a")),
      ...pull ? { pull: pulling(0) } : {},
    });
    const opening = source.open(LARGE.request, { signal });
    if (pull) await assert.rejects(opening, isSentTo(LOCATION));
    else {
      await assert.rejects(opening, {
        code: "BLOB_UNKNOWN",
        message: `all request retries exhausted for ${LARGE.digest}`,
        detail: { attempts: 5 },
      });
    }
    assert.equal(asked.length, 5);
    assert.equal(metrics.values["peili_flight_waits_given_up_total{}"], 1);
  },
);

const RANGES: {
  name: string;
  reply: FlightReply;
  range: RangeRequest;
  asked: string;
  part: { start: number; end: number } | null;
}[] = [
  {
    name: "the part for bytes=0- of a complete copy",
    reply: hold("a"),
    range: { start: 0 },
    asked: `${GET} bytes=0-`,
    part: { start: 0, end: SIZE - 1 },
  },
  {
    name: "the part for bytes=7- of what grows",
    reply: follow("a"),
    range: { start: 7 },
    asked: `${GET} bytes=7-`,
    part: { start: 7, end: SIZE - 1 },
  },
  {
    name: "the part for bytes=0-9 of what grows",
    reply: follow("a"),
    range: { start: 0, end: 9 },
    asked: `${GET} bytes=0-9`,
    part: { start: 0, end: 9 },
  },
  {
    name: "the part for bytes=7-9 of a complete copy",
    reply: hold("a"),
    range: { start: 7, end: 9 },
    asked: `${GET} bytes=7-9`,
    part: { start: 7, end: 9 },
  },
];

Deno.test.each(RANGES)("cluster() answers with $name", async (row) => {
  const { source, requests } = guidedCluster({
    peers: { a: good },
    replies: [row.reply],
    pull: pulling(0),
  });
  const { range } = row;
  const open = await source.open(LARGE.request, { signal, range });
  assert.deepEqual(open?.range, row.part);
  assert.deepEqual(
    await new Response(open?.body).bytes(),
    LARGE.bytes.slice(row.part?.start ?? 0, (row.part?.end ?? SIZE) + 1),
  );
  assert.deepEqual(requests, [`a ${row.asked}`]);
});

Deno.test.each([
  { name: "its pull has", pull: pulling(77, SIZE), offset: 77, total: SIZE },
  { name: "its range begins at", pull: () => null, offset: 50, total: 0 },
])("cluster() tells home the offset that $name", async (row) => {
  const { source, asked } = guidedCluster({ pull: row.pull });
  const range = { start: 50 };
  await source.open(LARGE.request, { signal, range }).catch(() => {});
  assert.deepEqual(
    asked.map(({ offset, total }) => ({ offset, total })),
    [{ offset: row.offset, total: row.total }],
  );
});

Deno.test("cluster() passes on that a range is behind the end", async () => {
  for (const reply of [follow("a", "b"), hold("a", "b")]) {
    const { source, requests } = guidedCluster({
      peers: {
        a: () =>
          new Response(null, {
            status: 416,
            headers: { "Content-Range": `bytes */${SIZE}` },
          }),
        b: good,
      },
      replies: [reply],
      pull: pulling(SIZE),
    });
    const range = { start: SIZE };
    await assert.rejects(
      source.open(LARGE.request, { signal, range }),
      (error) => error instanceof RegistryError && error.status === 416,
    );
    assert.deepEqual(requests, [`a ${GET} bytes=${SIZE}-`]);
  }
});

Deno.test.each([follow, hold])(
  "cluster() checks small content whole before its first byte, %p",
  async (named) => {
    const { source, requests, asked, metrics } = guidedCluster({
      peers: { a: wrong, b: good },
      replies: [named("a"), named("b")],
      pull: pulling(0),
    });
    const open = await source.open(SMALL.request, { signal });
    assert.equal(open?.from, "b:1");
    assert.deepEqual(await new Response(open?.body).bytes(), SMALL.bytes);
    assert.deepEqual(requests, [`a ${GET_SMALL}`, `b ${GET_SMALL}`]);
    assert.deepEqual(asked.map(({ failed }) => failed), [[], ["a:1"]]);
    const key = "peili_peer_failures_total{reason=corrupt}";
    assert.equal(metrics.values[key], 1);
  },
);

Deno.test("cluster() checks small content for a part of it, too", async () => {
  const { source, requests } = guidedCluster({
    peers: { a: good },
    replies: [follow("a")],
  });
  const range = { start: 10, end: 19 };
  const open = await source.open(SMALL.request, { signal, range });
  assert.deepEqual(open?.range, range);
  assert.deepEqual(
    await new Response(open?.body).bytes(),
    SMALL.bytes.slice(10, 20),
  );
  assert.deepEqual(requests, [
    `a ${GET_SMALL} bytes=10-19`,
    `a ${GET_SMALL}`,
  ]);
});

Deno.test("cluster() goes upstream with corrupt content, and asks nobody", async () => {
  const { source, asked, requests, leads } = guidedCluster({
    keys: [LARGE.digest],
    peers: { a: good },
    replies: [hold("a")],
    pull: pulling(0),
  });
  leads.distrust(LARGE.digest);
  for (const range of [undefined, { start: 9 }]) {
    await assert.rejects(
      source.open(LARGE.request, { signal, range }),
      isSentTo(LOCATION),
    );
  }
  assert.deepEqual([asked, requests], [[], []]);
});

Deno.test("cluster() looks digests up at holders only, and joins nothing", async () => {
  const { source, asked, requests } = guidedCluster({
    keys: [LARGE.digest],
    peers: { a: good },
    pull: pulling(0),
  });
  const found = await source.stat(LARGE.request, { signal });
  assert.deepEqual([found?.size, found?.from], [SIZE, "a:1"]);
  assert.deepEqual(asked, []);
  assert.deepEqual(requests, [`a HEAD ${pathOf(LARGE.request)}`]);
});
