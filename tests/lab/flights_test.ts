/** One download for all: nodes that pull at once what nobody has. @module */
import assert from "node:assert/strict";
import {
  digestsOf,
  onLab,
  startPeilis,
  upstreamSince,
} from "./evidence.ts";
import {
  assertOutcome,
  decisionsOf,
  fresh,
  FLIGHT_FLAGS,
  ONE_COPY,
  outcomeOf,
  pulledBy,
  pullOn,
} from "./flying.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";

/** All versions of containerd, each layer asked for once. */
async function startsCold(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  const since = await upstreamSince(lab);
  const outcome = await pulledBy(lab, lab.nodes, image);
  const images = [image.info];
  const { nodes } = lab;
  await assertOutcome(outcome, {
    what: "cold start",
    nodes,
    images,
    atMost: ONE_COPY,
  });
  const requests = await since.requests();
  for (const digest of digestsOf(image.info)) {
    const asked = requests.filter(({ method, uri }) =>
      method === "GET" && uri.includes(digest)
    );
    assert.equal(asked.length, 1, `${digest} was asked for ${asked.length}x`);
  }
  for (const { digest } of image.info.layers) {
    const told = await Promise.all(
      nodes.map(async (node) => (await decisionsOf(node, digest))[0]?.decision),
    );
    const leaders = told.filter((decision) => decision === "lead");
    assert.equal(leaders.length, 1, `${digest}: ${told}`);
    assert.ok(!told.includes("none"), `${digest}: ${told}`);
  }
}

Deno.test("pulls at once cost the registry one download", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: containerd.length, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  await onLab(t, lab, ["every version of containerd at once", startsCold]);
});
void outcomeOf; void pullOn;
