/**
 * The cluster as a source of chunks: whoever gave one is asked for the next.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { upTo } from "./fake_cluster.ts";
import {
  follow,
  guidedCluster,
  type GuidedOptions,
  hold,
  pulling,
} from "./fake_home.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

const CONTENT = fakeContent(CHECKED_MAX_BYTES + 1000);
const GET = `GET ${pathOf(CONTENT.request)}`;
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(CONTENT, request);

/** Reads chunks of ten bytes, one after another. */
async function chunks(options: GuidedOptions, starts: readonly number[]) {
  const cluster = guidedCluster({ pull: pulling(0), ...options });
  const from: (string | undefined)[] = [];
  for (const start of starts) {
    const range = { start, end: start + 9 };
    const open = await cluster.source.open(CONTENT.request, { signal, range });
    assert.deepEqual(
      await new Response(open?.body).bytes(),
      CONTENT.bytes.slice(start, start + 10),
    );
    from.push(open?.from);
  }
  return { ...cluster, from };
}

Deno.test("cluster() asks whoever held the first chunk for the next, and no home", async () => {
  const { requests, asked } = await chunks(
    { peers: { a: good, b: good }, replies: [hold("a"), hold("b")] },
    [0, 10, 500],
  );
  assert.deepEqual(requests, [
    `a ${GET} bytes=0-9`,
    `a ${GET} bytes=10-19`,
    `a ${GET} bytes=500-509`,
  ]);
  assert.equal(asked.length, 1);
});

Deno.test("cluster() asks home for what begins at the beginning", async () => {
  const { requests, asked } = await chunks(
    { peers: { a: good, b: good }, replies: [hold("a"), hold("b")] },
    [0, 0],
  );
  assert.deepEqual(requests, [`a ${GET} bytes=0-9`, `b ${GET} bytes=0-9`]);
  assert.equal(asked.length, 2);
});

Deno.test("cluster() asks home again for a chunk of what grows", async () => {
  const { from, asked } = await chunks(
    { peers: { a: good, b: good }, replies: [follow("a"), follow("b")] },
    [0, 10],
  );
  assert.deepEqual(from, ["a:1", "b:1"]);
  assert.equal(asked.length, 2);
});

Deno.test("cluster() asks home when whoever held a chunk has lost it", async () => {
  let held = true;
  const { requests, asked } = await chunks({
    peers: {
      a(request) {
        const answer = held ? good(request) : new Response("", { status: 404 });
        held = false;
        return answer;
      },
      b: good,
    },
    replies: [hold("a"), hold("b")],
  }, [0, 10, 20]);
  assert.deepEqual(requests, [
    `a ${GET} bytes=0-9`,
    `a ${GET} bytes=10-19`,
    `b ${GET} bytes=10-19`,
    `b ${GET} bytes=20-29`,
  ]);
  assert.equal(asked.length, 2);
});

Deno.test("cluster() does not ask whoever broke a chunk for its rest", async () => {
  const { requests } = await chunks({
    peers: { a: upTo(4, "break", good), b: good },
    replies: [hold("a"), hold("b")],
  }, [0, 10]);
  assert.deepEqual(requests, [
    `a ${GET} bytes=0-9`,
    `b ${GET} bytes=4-9`,
    `b ${GET} bytes=10-19`,
  ]);
});

Deno.test("cluster() remembers holders of each digest apart", async () => {
  const other = fakeContent(CHECKED_MAX_BYTES + 2000);
  const { source, asked } = guidedCluster({
    peers: {
      a: (request) =>
        goodAnswer(
          request.url.includes(other.digest) ? other : CONTENT,
          request,
        ),
    },
    replies: [hold("a"), hold("a")],
    pull: pulling(0),
  });
  for (const { request } of [CONTENT, other]) {
    const range = { start: 10, end: 19 };
    const open = await source.open(request, { signal, range });
    await open?.body.cancel();
  }
  assert.equal(asked.length, 2);
});
