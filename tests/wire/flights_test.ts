/**
 * Flights over real sockets: a chain of nodes that stream while they pull, and
 * what happens to it when one end goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import { fakeContent, pathOf } from "../mirror/fake_peer.ts";
import { eventually } from "../suites/eventually.ts";
import {
  contentLines,
  type FlyingNode,
  pullOnce,
  startFlyingNode,
  startRegistry,
} from "./flying_nodes.ts";
import { bodyOf, connect, rawRequest, sendAll } from "./raw_client.ts";

const CONTENT = fakeContent(CHECKED_MAX_BYTES + 12_345);
const { digest: DIGEST, bytes: BYTES } = CONTENT;
const SIZE = BYTES.length;
const PATH = pathOf(CONTENT.request);
const MIB = 1 << 20;

/** Requests that a node answers to its peers now. */
const given = ({ metrics }: FlyingNode) =>
  metrics.values["peili_streams{listener=peer}"] ?? 0;

/** Whether a node was told to follow another. */
const isFollowing = ({ log }: FlyingNode) =>
  log.lines.some(({ msg, decision }) =>
    msg === "flight" && decision === "follow"
  );

/** Bytes that a node took from its peers. */
const taken = ({ metrics }: FlyingNode) =>
  metrics.values["peili_bytes_total{direction=received,source=peer}"] ?? 0;

const offsetOf = ({ pulls }: FlyingNode) => {
  const state = pulls.state(DIGEST);
  return state?.kind === "pulling" ? state.offset : null;
};

Deno.test("nodes at once make a chain: one download, every byte at each", async () => {
  await using registry = startRegistry(CONTENT);
  const network = memoryNetwork();
  await using parts = new AsyncDisposableStack();
  const nodes = ["a", "b", "c", "d"].map((id) =>
    parts.use(startFlyingNode(network, id, registry))
  );
  const pulls = nodes.map((node) => pullOnce(node, CONTENT));
  await eventually(
    "three follow",
    () => nodes.filter(isFollowing).length === nodes.length - 1,
  );
  registry.pour(MIB);
  await eventually(
    "all have the first MiB",
    () => nodes.every((node) => offsetOf(node) === MIB),
  );
  registry.pour(SIZE);
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, BYTES);
  assert.deepEqual(registry.requests, [""]);

  await eventually(
    "all lines are written",
    () => nodes.flatMap((node) => contentLines(node, "mirror")).length === 4,
  );
  assert.deepEqual(
    nodes.flatMap((node) => contentLines(node, "mirror")).sort(),
    ["200 follow", "200 follow", "200 follow", "307 lead"],
  );
});

/** A leads and has 1 MiB, B follows it over a bare connection. */
async function twoFly(registry: ReturnType<typeof startRegistry>) {
  const parts = new AsyncDisposableStack();
  const network = memoryNetwork();
  const a = parts.use(startFlyingNode(network, "a", registry));
  const b = parts.use(startFlyingNode(network, "b", registry));
  const leading = pullOnce(a, CONTENT);
  await eventually("a leads", () => registry.requests.length === 1);
  registry.pour(MIB);
  await eventually("a has bytes", () => offsetOf(a) === MIB);
  b.pulls.begin(DIGEST, SIZE);
  return {
    a,
    b,
    leading,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

Deno.test("a client that leaves in mid-flight frees the stream at the leader", async () => {
  await using registry = startRegistry(CONTENT);
  await using flying = await twoFly(registry);
  const { a, b, leading } = flying;
  using connection = await connect(b.mirror);
  await sendAll(connection, `GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await connection.read(new Uint8Array(1000));
  assert.equal(given(a), 1);
  connection.close();
  await eventually("a gives nothing", () => given(a) === 0);
  await eventually(
    "b says that its client left",
    () => b.log.lines.some(({ outcome }) => outcome === "client left"),
  );
  // And the leader goes on.
  registry.pour(SIZE);
  assert.deepEqual(await leading, BYTES);
});

Deno.test("a leader that gives up ends the body with FIN, and the Range leads", async () => {
  await using registry = startRegistry(CONTENT);
  await using flying = await twoFly(registry);
  const { a, b, leading } = flying;
  const reading = rawRequest(
    b.mirror,
    `GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  await eventually("b takes it from a", () => taken(b) > 0);
  const failing = assert.rejects(leading, /given up/);
  a.pulls.abandon(DIGEST);
  const { text, error } = await reading;
  // An RST would end containerd's pull for good.
  assert.equal(error, null);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  const got = bodyOf(text).length;
  assert.ok(got > 0 && got <= MIB, `${got} bytes`);

  const range = `bytes=${got}-`;
  const redirect = await fetch(`http://${b.mirror}${PATH}`, {
    headers: { Range: range },
    redirect: "manual",
  });
  assert.equal(redirect.status, 307);
  await redirect.body?.cancel();
  const location = redirect.headers.get("Location") ?? "";
  assert.equal(location, registry.url + PATH.replace(/\?.*/, ""));
  const rest = await fetch(location, { headers: { Range: range } });
  registry.pour(SIZE);
  assert.deepEqual(await rest.bytes(), BYTES.slice(got));
  assert.deepEqual(registry.requests, ["", range]);
  await failing;
});

Deno.test("a plain client is sent nowhere, whatever this node's containerd does", async () => {
  await using registry = startRegistry(CONTENT);
  await using flying = await twoFly(registry);
  const { a, b, leading } = flying;
  const path = `/v2/docker.io/library/app/blobs/${DIGEST}`;
  for (const { mirror } of [a, b]) {
    const answer = await fetch(`http://${mirror}${path}`, {
      redirect: "manual",
    });
    assert.equal(answer.status, 404);
    await answer.body?.cancel();
  }
  registry.pour(SIZE);
  assert.deepEqual(await leading, BYTES);
  assert.deepEqual(registry.requests, [""]);
});
