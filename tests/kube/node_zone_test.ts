/** Asking for a node's zone: what is an answer, and when to stop asking. @module */

import assert from "node:assert/strict";
import { kubeApi } from "../../src/kube/api.ts";
import { nodeZone } from "../../src/kube/node_zone.ts";
import { type FakeAnswer, fakeApi, nodeIn } from "./fake_api.ts";

const NEVER = new AbortController().signal;
const SOON = { node: "a1", budgetMs: 60_000, askAgainMs: 1 };
const AT_ONCE = { node: "a1", budgetMs: 20, askAgainMs: 1 };
const FORBIDDEN = { status: 403, body: { message: "nodes is forbidden" } };

Deno.test("nodeZone() asks for the one node, and gives its label", async () => {
  await using fake = await fakeApi(() => ({ body: nodeIn("z1") }));
  using api = await kubeApi(fake);
  assert.equal(await nodeZone(SOON, api, NEVER), "z1");
  assert.deepEqual(fake.requests, ["GET /api/v1/nodes/a1 Bearer t0ken"]);
});

Deno.test("nodeZone() waits for a right that comes later", async () => {
  await using fake = await fakeApi((question): FakeAnswer =>
    question < 2 ? FORBIDDEN : { body: nodeIn("z1") }
  );
  using api = await kubeApi(fake);
  assert.equal(await nodeZone(SOON, api, NEVER), "z1");
  assert.equal(fake.requests.length, 3);
});

Deno.test.each([
  { body: nodeIn() },
  { body: {} },
  { body: null },
  { body: { metadata: { labels: { "topology.kubernetes.io/zone": 1 } } } },
])(
  "nodeZone() takes a node without the label as one without a zone: $body",
  async ({ body }) => {
    await using fake = await fakeApi(() => ({ body }));
    using api = await kubeApi(fake);
    assert.equal(await nodeZone(SOON, api, NEVER), "");
    assert.equal(fake.requests.length, 1);
  },
);

Deno.test("nodeZone() gives up in time, and says what the last answer was", async () => {
  await using fake = await fakeApi(() => FORBIDDEN);
  using api = await kubeApi(fake);
  // Not before there was an answer, however slow this machine is.
  const question = { ...AT_ONCE, budgetMs: 1_000 };
  await assert.rejects(nodeZone(question, api, NEVER), (error) => {
    assert.ok(error instanceof Error && error.cause instanceof Error);
    assert.match(error.message, /Cannot read the zone of a1 within 1000 ms/);
    assert.match(error.cause.message, /403 nodes is forbidden/);
    return true;
  });
});

Deno.test("nodeZone() gives up on a server that says nothing", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using fake = await fakeApi(() => ({ body: {} }));
  const port = String(silent.addr.port);
  using api = await kubeApi({ ...fake, port });
  await assert.rejects(nodeZone(AT_ONCE, api, NEVER), /within 20 ms/);
});

Deno.test("nodeZone() ends when it is asked to", async () => {
  await using fake = await fakeApi(() => FORBIDDEN);
  using api = await kubeApi(fake);
  await assert.rejects(nodeZone(SOON, api, AbortSignal.abort()));
  assert.deepEqual(fake.requests, []);
});
