/**
 * The cluster's bodies: they go on at the next holder, at the very byte.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { answers, fakeCluster, refuses, upTo } from "./fake_cluster.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

/** Too large to be checked before its first byte, so that it can break. */
const CONTENT = fakeContent(CHECKED_MAX_BYTES + 1000);
const { request: REQUEST, digest: DIGEST, bytes: BYTES } = CONTENT;
const PATH = pathOf(REQUEST);
const LAST = BYTES.length - 1;
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(CONTENT, request);

Deno.test.each(["break", "hang"] as const)(
  "swarm() goes on at another holder at the byte of a %s",
  async (then) => {
    const cluster = fakeCluster([DIGEST], {
      a: upTo(1000, then, good),
      b: upTo(500, "break", good),
      c: good,
    });
    const open = await cluster.source.open(REQUEST, { signal });
    assert.deepEqual(await new Response(open?.body).bytes(), BYTES);
    assert.deepEqual(cluster.requests, [
      `a GET ${PATH}`,
      `b GET ${PATH} bytes=1000-${LAST}`,
      `c GET ${PATH} bytes=1500-${LAST}`,
    ]);
    assert.equal(
      cluster.metrics.values["peili_resumes_total{outcome=resumed}"],
      2,
    );
  },
);

Deno.test("swarm() goes on within the range that was asked", async () => {
  const cluster = fakeCluster([DIGEST], {
    a: upTo(10, "break", good),
    b: good,
  });
  const range = { start: 100, end: 199 };
  const open = await cluster.source.open(REQUEST, { signal, range });
  assert.deepEqual(open?.range, range);
  assert.deepEqual(
    await new Response(open?.body).bytes(),
    BYTES.slice(100, 200),
  );
  assert.deepEqual(cluster.requests, [
    `a GET ${PATH} bytes=100-199`,
    `b GET ${PATH} bytes=110-199`,
  ]);
});

Deno.test.each([
  { name: "nobody else", others: {} },
  { name: "only a holder that refuses", others: { b: refuses } },
  { name: "only a holder that lost it", others: { b: answers(404) } },
  {
    name: "only one that sends the whole",
    others: { b: () => good(new Request("http://b/")) },
  },
])("swarm() errors in mid-body when there is $name", async ({ others }) => {
  const cluster = fakeCluster([DIGEST], {
    a: upTo(1000, "break", good),
    ...others,
  });
  const open = await cluster.source.open(REQUEST, { signal });
  let got = 0;
  await assert.rejects(async () => {
    for await (const chunk of open?.body ?? []) got += chunk.length;
  }, /ended at byte 1000: broken/);
  assert.equal(got, 1000);
  assert.equal(
    cluster.metrics.values["peili_resumes_total{outcome=ended}"],
    1,
  );
});

Deno.test("swarm() does not go back to a holder that broke", async () => {
  const cluster = fakeCluster([DIGEST], {
    a: upTo(10, "break", good),
    b: good,
  });
  for (const _ of [1, 2]) {
    const open = await cluster.source.open(REQUEST, { signal });
    assert.deepEqual(await new Response(open?.body).bytes(), BYTES);
  }
  assert.deepEqual(cluster.requests, [
    `a GET ${PATH}`,
    `b GET ${PATH} bytes=10-${LAST}`,
    `b GET ${PATH}`,
  ]);
});

Deno.test("swarm() logs whom it left, where and why", async () => {
  const cluster = fakeCluster([DIGEST], {
    a: upTo(10, "break", good),
    b: good,
  });
  const open = await cluster.source.open(REQUEST, { signal });
  await new Response(open?.body).bytes();
  assert.deepEqual(cluster.log.lines[0], {
    level: "warn",
    msg: "peer failed in mid-body",
    peer: "a:1",
    digest: DIGEST,
    offset: 10,
    reason: "broken",
  });
});

Deno.test("swarm() lets go of the holder when its reader leaves", async () => {
  const left = Promise.withResolvers<unknown>();
  const cluster = fakeCluster([DIGEST], {
    a: (request) => {
      const { status, headers } = good(request) as Response;
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(10)),
        cancel: left.resolve,
      });
      return new Response(endless, { status, headers });
    },
  });
  const open = await cluster.source.open(REQUEST, { signal });
  const reader = open?.body.getReader();
  await reader?.read();
  await reader?.cancel();
  await left.promise;
});
