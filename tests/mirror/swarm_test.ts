/**
 * The cluster as a source: whom it asks, in which order, and what it says when
 * they fail.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RegistryError } from "../../src/oci/error.ts";
import type { Router } from "../../src/routing/router.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import {
  answers,
  fakeCluster,
  refuses,
  silent,
  swarmOf,
} from "./fake_cluster.ts";
import { type Answer, fakeContent, goodAnswer, pathOf } from "./fake_peer.ts";

const CONTENT = fakeContent(1000);
const { request: REQUEST, digest: DIGEST } = CONTENT;
const PATH = pathOf(REQUEST);
const TAG = { registry: "docker.io", repository: "library/app", tag: "v1" };
const TAG_KEY = "docker.io/library/app:v1";
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(CONTENT, request);
const corrupt: Answer = (request) =>
  goodAnswer({ ...CONTENT, bytes: new Uint8Array(1000) }, request);

function failure(code: string, message: string, attempts: number) {
  return (error: unknown) => {
    assert.ok(error instanceof RegistryError);
    assert.deepEqual(
      [error.code, error.message, error.detail],
      [code, message, { attempts }],
    );
    return true;
  };
}

Deno.test("swarm() takes content from the first holder", async () => {
  const cluster = fakeCluster([DIGEST], { a: good, b: good });
  const open = await cluster.source.open(REQUEST, { signal });
  assert.equal(open?.from, "a:1");
  assert.deepEqual(await new Response(open?.body).bytes(), CONTENT.bytes);
  assert.deepEqual(cluster.requests, [`a GET ${PATH}`]);
  assert.equal(
    cluster.metrics.values["peili_bytes_total{direction=received,source=peer}"],
    1000,
  );
});

Deno.test("swarm() asks nobody for what nobody has", async () => {
  const cluster = fakeCluster([], { a: good });
  assert.equal(await cluster.source.open(REQUEST, { signal }), null);
  assert.equal(await cluster.source.stat(REQUEST, { signal }), null);
  assert.equal(await cluster.source.resolve(TAG, { signal }), null);
  assert.deepEqual(cluster.requests, []);
});

const FAILING: { name: string; answer: Answer; reason: string }[] = [
  { name: "refuses", answer: refuses, reason: "refused" },
  { name: "says 404", answer: answers(404), reason: "missing" },
  { name: "says 503", answer: answers(503), reason: "refused" },
  { name: "is corrupt", answer: corrupt, reason: "corrupt" },
];

Deno.test.each(FAILING)(
  "swarm() goes on at once from a holder that $name",
  async ({ answer, reason }) => {
    const cluster = fakeCluster([DIGEST], { a: answer, b: answer, c: good });
    const open = await cluster.source.open(REQUEST, { signal });
    assert.equal(open?.from, "c:1");
    assert.deepEqual(await new Response(open?.body).bytes(), CONTENT.bytes);
    const path = `GET ${PATH}`;
    assert.deepEqual(cluster.requests, [`a ${path}`, `b ${path}`, `c ${path}`]);
    assert.equal(
      cluster.metrics.values[`peili_peer_failures_total{reason=${reason}}`],
      2,
    );
  },
);

Deno.test.each(FAILING)(
  "swarm() does not ask a holder again that $name",
  async ({ answer }) => {
    const cluster = fakeCluster([DIGEST], { a: answer, b: good });
    for (const _ of [1, 2]) {
      const open = await cluster.source.open(REQUEST, { signal });
      await open?.body.cancel();
    }
    const path = `GET ${PATH}`;
    assert.deepEqual(cluster.requests, [`a ${path}`, `b ${path}`, `b ${path}`]);
  },
);

Deno.test.each([
  { name: "refused, after 10 s", answer: refuses, ms: 10_000 },
  { name: "was corrupt, after 10 min", answer: corrupt, ms: 600_000 },
])("swarm() asks a holder again that $name", async ({ answer, ms }) => {
  const cluster = fakeCluster([DIGEST], { a: answer });
  const openAfter = (passed: number) => {
    cluster.pass(passed);
    return cluster.source.open(REQUEST, { signal });
  };
  await assert.rejects(openAfter(0), RegistryError);
  assert.equal(await openAfter(ms - 1), null);
  await assert.rejects(openAfter(1), RegistryError);
  assert.equal(cluster.requests.length, 2);
});

Deno.test("swarm() asks a holder that failed for other content", async () => {
  const other = fakeContent(10);
  const cluster = fakeCluster([DIGEST, other.digest], {
    a: (request) =>
      request.url.includes(DIGEST)
        ? refuses(request)
        : goodAnswer(other, request),
  });
  await assert.rejects(cluster.source.open(REQUEST, { signal }));
  const open = await cluster.source.open(other.request, { signal });
  assert.deepEqual(await new Response(open?.body).bytes(), other.bytes);
});

Deno.test("swarm() tries another beside a holder that is silent", async () => {
  const cluster = fakeCluster([DIGEST], { a: silent, b: good });
  const open = await cluster.source.open(REQUEST, { signal });
  assert.equal(open?.from, "b:1");
  assert.deepEqual(await new Response(open?.body).bytes(), CONTENT.bytes);
  assert.deepEqual(cluster.requests, [`a GET ${PATH}`, `b GET ${PATH}`]);
});

Deno.test("swarm() leaves the holders that lost", async () => {
  const left = Promise.withResolvers<void>();
  const cluster = fakeCluster([DIGEST], {
    a: (request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      return silent(request);
    },
    b: good,
  });
  const open = await cluster.source.open(REQUEST, { signal });
  await open?.body.cancel();
  await left.promise;
  // To be slower than another is no failure.
  assert.deepEqual(
    Object.keys(cluster.metrics.values)
      .filter((key) => key.startsWith("peili_peer_failures")),
    [],
  );
});

Deno.test("swarm() says how many failed when all did", async () => {
  const cluster = fakeCluster([DIGEST], { a: refuses, b: answers(404) });
  await assert.rejects(
    cluster.source.open(REQUEST, { signal }),
    failure("BLOB_UNKNOWN", `all request retries exhausted for ${DIGEST}`, 2),
  );
  const manifest = { ...REQUEST, kind: "manifest" as const };
  const again = fakeCluster([DIGEST], { a: answers(500) });
  await assert.rejects(
    again.source.open(manifest, { signal }),
    failure(
      "MANIFEST_UNKNOWN",
      `all request retries exhausted for ${DIGEST}`,
      1,
    ),
  );
  // Who failed is aside: now there is nobody, and no wait.
  assert.equal(await again.source.open(manifest, { signal }), null);
});

Deno.test("swarm() tries 8 holders and no more", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
  const cluster = fakeCluster(
    [DIGEST],
    Object.fromEntries(names.map((name) => [name, refuses])),
  );
  await assert.rejects(
    cluster.source.open(REQUEST, { signal }),
    failure("BLOB_UNKNOWN", `all request retries exhausted for ${DIGEST}`, 8),
  );
  assert.deepEqual(
    cluster.requests,
    names.slice(0, 8).map((name) => `${name} GET ${PATH}`),
  );
});

Deno.test("swarm() does not wait for silent holders for ever", async () => {
  const cluster = fakeCluster([DIGEST], { a: silent, b: silent });
  await assert.rejects(
    cluster.source.open(REQUEST, { signal }),
    failure(
      "BLOB_UNKNOWN",
      `waited too long for inflight dials to complete for ${DIGEST}`,
      2,
    ),
  );
  // And the next request does not wait for them at all.
  assert.equal(await cluster.source.open(REQUEST, { signal }), null);
  assert.equal(
    cluster.metrics.values["peili_peer_failures_total{reason=timeout}"],
    2,
  );
});

Deno.test("swarm() passes on that a range is behind the end", async () => {
  const cluster = fakeCluster([DIGEST], {
    a: () =>
      new Response("no", {
        status: 416,
        headers: { "Content-Range": "bytes */1000" },
      }),
    b: good,
  });
  for (const range of [{ start: 1000 }, { suffix: 0 }]) {
    await assert.rejects(
      cluster.source.open(REQUEST, { signal, range }),
      (error) =>
        error instanceof RegistryError && error.status === 416 &&
        error.headers["Content-Range"] === "bytes */1000",
    );
  }
  // It is an answer, not a failure: the holder is asked again.
  assert.equal(cluster.requests.length, 2);
  assert.deepEqual(cluster.metrics.values, {});
});

Deno.test("swarm() looks digests and tags up by HEAD", async () => {
  const cluster = fakeCluster([DIGEST, TAG_KEY], { a: answers(404), b: good });
  const stat = await cluster.source.stat(REQUEST, { signal });
  assert.deepEqual([stat?.digest, stat?.from], [DIGEST, "b:1"]);
  const tag = await cluster.source.resolve(TAG, { signal });
  assert.deepEqual([tag?.digest, tag?.from], [DIGEST, "b:1"]);
  const tagPath = "/v2/library/app/manifests/v1?ns=docker.io";
  assert.deepEqual(cluster.requests, [
    `a HEAD ${PATH}`,
    `b HEAD ${PATH}`,
    `a HEAD ${tagPath}`,
    `b HEAD ${tagPath}`,
  ]);
});

Deno.test("swarm() says so when nobody can resolve a tag", async () => {
  const cluster = fakeCluster([TAG_KEY], { a: refuses });
  await assert.rejects(
    cluster.source.resolve(TAG, { signal }),
    failure(
      "MANIFEST_UNKNOWN",
      `all request retries exhausted for ${TAG_KEY}`,
      1,
    ),
  );
});

Deno.test("swarm() ends with its client", async () => {
  const client = new AbortController();
  const cluster = fakeCluster([DIGEST], {
    a: (request) => {
      client.abort();
      return silent(request);
    },
    b: good,
  });
  const options = { signal: client.signal };
  await assert.rejects(cluster.source.open(REQUEST, options), RegistryError);
  assert.deepEqual(cluster.requests, [`a GET ${PATH}`]);
  // Nobody is to blame for that.
  assert.deepEqual(cluster.metrics.values, {});
});

const lost = () => Promise.reject(new Error("the router is lost"));

Deno.test("swarm() takes a lookup that fails for nobody", async () => {
  const router: Router = {
    ...memoryNetwork().join({ id: "self", address: "self:1" }),
    lookup: () => ({
      [Symbol.asyncIterator]: () => ({ next: lost }),
    }),
  };
  const { source } = swarmOf(router, lost);
  assert.equal(await source.open(REQUEST, { signal }), null);
});
