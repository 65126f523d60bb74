/** One download for all: nodes that pull at once what nobody has. @module */
import assert from "node:assert/strict";
import {
  assertHolds,
  digestsOf,
  onLab,
  startPeilis,
  upstreamSince,
} from "./evidence.ts";
import {
  assertOutcome,
  awaitBytes,
  bytesOf,
  decisionsOf,
  FLIGHT_FLAGS,
  type Fresh,
  fresh,
  ONE_COPY,
  onlyLayer,
  outcomeOf,
  pulledBy,
  pullOn,
} from "./flying.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";

/**
 * What the registry sends at, in Mbit/s, where somebody is to come late: 100 MB
 * take 3 s.
 */
const RATE_MBIT = 250;

/** So slow that one of three layers stands for seconds while others have bytes. */
const EDGE_MBIT = 5;

/** All versions of containerd, each layer asked for once. */
async function startsCold(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  const since = await upstreamSince(lab);
  const outcome = await pulledBy(lab, lab.nodes, image);
  const { nodes } = lab;
  await assertOutcome(outcome, {
    what: "cold start",
    nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
  const requests = await since.requests();
  for (const digest of digestsOf(image.info)) {
    const asked = requests.filter(({ method, uri }) =>
      method === "GET" && uri.includes(digest)
    );
    assert.equal(asked.length, 1, `${digest} was asked for ${asked.length}x`);
  }
  for (const { digest } of image.info.layers) await assertOneLed(lab, digest);
}

/** Checks in the logs that one node led and all others were given bytes. */
async function assertOneLed({ nodes }: Lab, digest: string): Promise<void> {
  const told = await Promise.all(
    nodes.map(async (node) => (await decisionsOf(node, digest))[0]?.decision),
  );
  const leaders = told.filter((decision) => decision === "lead");
  assert.equal(leaders.length, 1, `${digest}: ${told}`);
  const given = told.filter((decision) =>
    decision === "follow" || decision === "holders"
  );
  assert.equal(given.length, nodes.length - 1, `${digest}: ${told}`);
}

/** Nodes that pull different images of which most layers are the same. */
async function sharesLayers(lab: Lab): Promise<void> {
  const one = await fresh(lab, "sharing");
  const other = await fresh(lab, "shared");
  await pullsTwo(lab, [one, other], (node) => [
    node.number % 2 === 0 ? one : other,
  ]);
}

/**
 * Every node pulls both images at once, half of them the other one first, so
 * that who leads layers of one follows others in layers of the other.
 */
async function crosses(lab: Lab): Promise<void> {
  const one = await fresh(lab, "many");
  const other = await fresh(lab, "many");
  await pullsTwo(
    lab,
    [one, other],
    (node) => node.number % 2 === 0 ? [one, other] : [other, one],
  );
}

async function pullsTwo(
  lab: Lab,
  images: readonly Fresh[],
  pulls: (node: Node) => readonly Fresh[],
): Promise<void> {
  const infos = images.map(({ info }) => info);
  const begin = () =>
    lab.nodes.map((node): [Node, Promise<unknown>] => {
      const all = Promise.all(pulls(node).map(({ name }) => node.pull(name)));
      all.catch(() => {/* told by outcomeOf() */});
      return [node, all];
    });
  const outcome = await outcomeOf(
    lab,
    bytesOf(infos),
    () => Promise.resolve(new Map(begin())),
  );
  await assertOutcome(outcome, {
    what: "two images",
    nodes: [],
    images: [],
    atMost: ONE_COPY,
  });
  for (const node of lab.nodes) {
    for (const { info } of pulls(node)) await assertHolds(node, info);
  }
}

/** A link so slow that layers take turns: who waits for one has not lost it. */
async function sharesSlowLink(lab: Lab): Promise<void> {
  const image = await fresh(lab, "small");
  await lab.upstream.rate({ outMbit: EDGE_MBIT });
  const outcome = await pulledBy(lab, lab.nodes, image);
  await lab.upstream.rate({ outMbit: 0 });
  await assertOutcome(outcome, {
    what: "slow link",
    nodes: lab.nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** One node comes when the others have nearly all, one when all is over. */
async function joinsLate(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x1");
  const { digest, size } = onlyLayer(image.info);
  const { nodes } = lab;
  const [late, later] = [lab.node(3), lab.node(4)];
  const early = nodes.filter((node) => node !== late && node !== later);
  await lab.upstream.rate({ outMbit: RATE_MBIT });
  const outcome = await outcomeOf(lab, image.info.totalBytes, async () => {
    const pulls = pullOn(early, image.name);
    await Promise.all(early.map((node) => awaitBytes(node, digest, .9 * size)));
    pullOn([late], image.name).forEach((pull, node) => pulls.set(node, pull));
    await Promise.allSettled(pulls.values());
    pullOn([later], image.name).forEach((pull, node) => pulls.set(node, pull));
    return pulls;
  });
  await lab.upstream.rate({ outMbit: 0 });
  await assertOutcome(outcome, {
    what: "late nodes",
    nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

Deno.test("pulls at once cost the registry one download", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: 4, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  await onLab(t, lab, ["every version of containerd at once", startsCold]);
  await onLab(t, lab, ["one joins at 90 %, one after the end", joinsLate]);
  await onLab(t, lab, ["two images that share layers", sharesLayers]);
  await onLab(t, lab, ["a link of 5 Mbit/s", sharesSlowLink]);
});

Deno.test("flights that cross hold nobody up", async (t) => {
  // These take a download slot for each try of a layer at a host.
  const containerd = (await versionsHere())
    .filter((version) => version.startsWith("2."));
  await using lab = await Lab.up({ nodes: 4, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  await onLab(t, lab, ["two images of 12 layers, in either order", crosses]);
});
