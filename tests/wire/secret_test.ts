/**
 * Deployments over real sockets: one with a secret flies as one without, and
 * somebody else neither gets nor gives.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { type Deployment, deployment } from "../../src/proof/deployment.ts";
import { secretKeys } from "../../src/proof/secret.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import { fakeContent, pathOf } from "../mirror/fake_peer.ts";
import { eventually } from "../suites/eventually.ts";
import {
  contentLines,
  pullOnce,
  startFlyingNode,
  startRegistry,
} from "./flying_nodes.ts";

const CONTENT = fakeContent(CHECKED_MAX_BYTES + 12_345);
const { bytes: BYTES } = CONTENT;

function having(secret: string, network = "peili"): Deployment {
  return deployment({ network, keys: secretKeys(secret, network) });
}

const OURS = having("a secret");

/** Lets nodes of these deployments pull at once, and tells how. */
async function fly(deployments: readonly Deployment[]) {
  await using registry = startRegistry(CONTENT);
  const network = memoryNetwork();
  await using parts = new AsyncDisposableStack();
  const nodes = deployments.map((members, index) =>
    parts.use(startFlyingNode(network, `node-${index}`, registry, members))
  );
  const pulls = nodes.map((node) => pullOnce(node, CONTENT));
  await eventually(
    "each has been told what to do",
    () =>
      nodes.every(({ log }) => log.lines.some(({ msg }) => msg === "flight")),
  );
  registry.pour(BYTES.length);
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, BYTES);
  const lines = () => nodes.map((node) => contentLines(node, "mirror"));
  await eventually(
    "all lines are written",
    () => lines().flat().length === nodes.length,
  );
  return { lines: lines().flat(), requests: registry.requests, nodes };
}

Deno.test("nodes with one secret make one download", async () => {
  const { lines, requests } = await fly([OURS, having("a secret"), OURS]);
  assert.deepEqual(lines.sort(), ["200 follow", "200 follow", "307 lead"]);
  assert.equal(requests.length, 1);
});

Deno.test("nodes make one download while their secret is being changed", async () => {
  const steps = ["old secret\nnew secret", "new secret\nold secret"];
  const { lines, requests } = await fly(steps.map((text) => having(text)));
  assert.deepEqual(lines.sort(), ["200 follow", "307 lead"]);
  assert.equal(requests.length, 1);
});

Deno.test.each([
  { who: "another secret", stranger: having("another") },
  { who: "another network", stranger: having("a secret", "other") },
  { who: "no secret", stranger: deployment({ network: "peili" }) },
])("a node with $who neither gets nor gives", async ({ stranger }) => {
  const { lines, requests, nodes } = await fly([OURS, stranger, OURS]);
  const [one = "", strange = "", other = ""] = lines;
  assert.equal(strange, "307 lead");
  assert.deepEqual([one, other].sort(), ["200 follow", "307 lead"]);
  assert.equal(requests.length, 2);
  // No content left either side, in whichever order they asked.
  const given = nodes.flatMap((node) => contentLines(node, "peer"));
  assert.deepEqual(given.filter((line) => line.startsWith("2")), ["200"]);
});

Deno.test("a stranger's request gets 401 from the peer listener, whatever it asks", async () => {
  await using registry = startRegistry(CONTENT);
  await using node = startFlyingNode(memoryNetwork(), "a", registry, OURS);
  const paths = ["/v2/", "/peili/v1/peer", "/peili/v1/flights", "/none", "/"];
  for (const path of [pathOf(CONTENT.request), ...paths]) {
    for (const method of ["GET", "HEAD", "POST", "PUT"]) {
      const answer = await fetch(`http://${node.peer}${path}`, {
        method,
        headers: { Authorization: "Basic c2VjcmV0" },
      });
      await answer.body?.cancel();
      assert.equal(answer.status, 401, `${method} ${path}`);
      assert.equal(answer.headers.get("WWW-Authenticate"), null);
    }
  }
  assert.doesNotMatch(JSON.stringify(node.log.lines), /c2VjcmV0/);
});
