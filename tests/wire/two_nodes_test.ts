/**
 * Nodes over real sockets, wired as `src/node.ts` wires them but for containerd:
 * what one has, the other's containerd gets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { firstOf } from "../../src/content/combine.ts";
import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { listen } from "../../src/listen.ts";
import { aside } from "../../src/mirror/aside.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { swarm } from "../../src/mirror/swarm.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed } from "../../src/registry/observe.ts";
import { type MemoryNetwork, memoryNetwork } from "../../src/routing/memory.ts";
import type { Router } from "../../src/routing/router.ts";
import { fakeContent, pathOf } from "../mirror/fake_peer.ts";
import { type RecordedLog, recordedLog, recordedMetrics } from "../recorded.ts";
import { MANIFEST, MANIFEST_DIGEST, TAGGED } from "../registry/contents.ts";
import { bodyOf, rawRequest } from "./raw_client.ts";

interface TestNode extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly router: Router;
  /** `http://host:port` that this node's containerd asks. */
  readonly mirror: string;
  /** Lines of both listeners. */
  readonly log: RecordedLog;
}

/** Starts a node; `local` may break what its peers get. */
function startTestNode(
  network: MemoryNetwork,
  id: string,
  local: (store: ContentSource) => ContentSource = (store) => store,
): TestNode {
  const parts = new AsyncDisposableStack();
  const store = memoryStore();
  const log = recordedLog();
  const metrics = recordedMetrics();
  const serve = (name: string, handler: ReturnType<typeof registryHandler>) =>
    parts.use(listen(
      `--${name}-addr`,
      { hostname: "127.0.0.1", port: 0 },
      observed(name, handler, { log, metrics }),
    ));
  const { address } = serve("peer", registryHandler(local(store)));
  const router = network.join({ id, address });
  const cluster = swarm({
    router,
    connect: (peer) => peerSource({ address: peer.address }),
    aside: aside(),
    log,
    metrics,
  });
  const mirrored = registryHandler(firstOf(store, cluster), {
    elsewhere: "mirror",
  });
  return {
    store,
    router,
    mirror: `http://${serve("mirror", mirrored).address}`,
    log,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A source whose bodies break after so many bytes of an answer. */
function breaking(source: ContentSource, after: number): ContentSource {
  return {
    ...source,
    async open(request, options) {
      const open = await source.open(request, options);
      if (!open) return null;
      const bytes = await new Response(open.body).bytes();
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytes.slice(0, after)),
        pull: (controller) => controller.error(new Error("disk on fire")),
      });
      return { ...open, body };
    },
  };
}

const LARGE = fakeContent(CHECKED_MAX_BYTES + 12_345);
const PATH = pathOf(LARGE.request);
const { length: SIZE } = LARGE.bytes;

/** The access-log lines of one listener, `handler source status`. */
function access({ log }: TestNode, listener: string): string[] {
  return log.lines.filter((line) => line.listener === listener)
    .map(({ handler, status }) => `${handler} ${status}`);
}

Deno.test("a node's containerd gets what another node has", async () => {
  const network = memoryNetwork();
  await using a = startTestNode(network, "a");
  await using b = startTestNode(network, "b");
  await a.router.advertise([a.store.put(LARGE.bytes), MANIFEST_DIGEST, TAGGED]);
  a.store.tag(TAGGED, a.store.put(MANIFEST));

  const tag = await fetch(
    `${b.mirror}/v2/library/app/manifests/v1?ns=docker.io`,
    { method: "HEAD" },
  );
  assert.equal(tag.headers.get("Docker-Content-Digest"), MANIFEST_DIGEST);
  const manifest = await fetch(
    `${b.mirror}/v2/library/app/manifests/${MANIFEST_DIGEST}?ns=docker.io`,
  );
  assert.equal(await manifest.text(), MANIFEST);
  const blob = await fetch(b.mirror + PATH);
  assert.deepEqual(await blob.bytes(), LARGE.bytes);

  assert.deepEqual(access(b, "mirror"), Array(3).fill("mirror 200"));
  assert.deepEqual(access(a, "peer"), [
    "manifest 200",
    "manifest 200",
    "blob 200",
  ]);
});

Deno.test("a node answers itself before it asks others", async () => {
  const network = memoryNetwork();
  await using a = startTestNode(network, "a");
  await using b = startTestNode(network, "b");
  const digest = a.store.put(LARGE.bytes);
  await a.router.advertise([digest]);
  b.store.put(LARGE.bytes);
  const blob = await fetch(b.mirror + PATH);
  assert.deepEqual(await blob.bytes(), LARGE.bytes);
  assert.deepEqual(access(b, "mirror"), ["blob 200"]);
  assert.deepEqual(access(a, "peer"), []);
});

Deno.test.each([
  { range: `bytes=${SIZE - 10}-`, start: SIZE - 10, end: SIZE - 1 },
  { range: "bytes=4200000-4200999", start: 4_200_000, end: 4_200_999 },
  { range: "bytes=0-", start: 0, end: SIZE - 1 },
  { range: "bytes=-5", start: SIZE - 5, end: SIZE - 1 },
])("a node passes on $range of another's content", async (row) => {
  const network = memoryNetwork();
  await using a = startTestNode(network, "a");
  await using b = startTestNode(network, "b");
  await a.router.advertise([a.store.put(LARGE.bytes)]);
  const answer = await fetch(b.mirror + PATH, {
    headers: { Range: row.range },
  });
  assert.equal(answer.status, 206);
  assert.equal(
    answer.headers.get("Content-Range"),
    `bytes ${row.start}-${row.end}/${SIZE}`,
  );
  assert.deepEqual(
    await answer.bytes(),
    LARGE.bytes.slice(row.start, row.end + 1),
  );
});

Deno.test("a node says 416 when no byte of another's content is asked", async () => {
  const network = memoryNetwork();
  await using a = startTestNode(network, "a");
  await using b = startTestNode(network, "b");
  await a.router.advertise([a.store.put(LARGE.bytes)]);
  const answer = await fetch(b.mirror + PATH, {
    headers: { Range: `bytes=${SIZE}-` },
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 416);
  assert.equal(answer.headers.get("Content-Range"), `bytes */${SIZE}`);
});

Deno.test("a body goes on at another node when its first one breaks", async () => {
  const network = memoryNetwork();
  await using bad = startTestNode(
    network,
    "bad",
    (store) => breaking(store, 100_000),
  );
  await using good = startTestNode(network, "good");
  await using b = startTestNode(network, "b");
  for (const node of [bad, good]) {
    await node.router.advertise([node.store.put(LARGE.bytes)]);
  }
  const blob = await fetch(b.mirror + PATH);
  assert.deepEqual(await blob.bytes(), LARGE.bytes);
  const left = await b.log.line("peer failed in mid-body");
  assert.equal(left.reason, "broken");
  assert.ok(Number(left.offset) <= 100_000);
  assert.deepEqual(access(good, "peer"), ["blob 206"]);
  assert.deepEqual(access(b, "mirror"), ["mirror 200"]);
});

Deno.test("a body that nobody can end is short, with FIN, and resumable", async () => {
  const network = memoryNetwork();
  await using bad = startTestNode(
    network,
    "bad",
    (store) => breaking(store, 100_000),
  );
  await using b = startTestNode(network, "b");
  await bad.router.advertise([bad.store.put(LARGE.bytes)]);

  const { text, error } = await rawRequest(
    new URL(b.mirror).host,
    `GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  // FIN: an RST would end containerd's pull for good.
  assert.equal(error, null);
  assert.match(text, new RegExp(`\r\ncontent-length: ${SIZE}\r\n`, "i"));
  const got = bodyOf(text).length;
  assert.ok(got > 0 && got <= 100_000, `${got} bytes`);

  // The Range that follows is a fast 404, with which containerd goes upstream;
  const range = { Range: `bytes=${got}-` };
  const none = await fetch(b.mirror + PATH, { headers: range });
  assert.equal(none.status, 404);
  assert.match(await none.text(), /"BLOB_UNKNOWN","detail":{"attempts":0}/);

  // or another node has it by now.
  await using good = startTestNode(network, "good");
  await good.router.advertise([good.store.put(LARGE.bytes)]);
  const rest = await fetch(b.mirror + PATH, { headers: range });
  assert.equal(rest.status, 206);
  assert.deepEqual(await rest.bytes(), LARGE.bytes.slice(got));
});

Deno.test("what was deleted meanwhile is a 404 and not a fault", async () => {
  const network = memoryNetwork();
  await using a = startTestNode(network, "a");
  await using b = startTestNode(network, "b");
  const digest = a.store.put(LARGE.bytes);
  await a.router.advertise([digest]);
  a.store.delete(digest);
  const answer = await fetch(b.mirror + PATH);
  assert.equal(answer.status, 404);
  assert.equal(
    await answer.text(),
    JSON.stringify({
      errors: [{
        code: "BLOB_UNKNOWN",
        detail: { attempts: 1 },
        message: `all request retries exhausted for ${digest}`,
      }],
    }),
  );
});
