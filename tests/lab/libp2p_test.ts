/** Nodes that find each other, and what they have, over libp2p. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { onLab } from "./evidence.ts";
import {
  assertOutcome,
  FLIGHT_FLAGS,
  fresh,
  ONE_COPY,
  pulledBy,
} from "./flying.ts";
import { Lab } from "./lab.ts";
import { waitFor } from "./wait.ts";

const NODES = 5;

/** Starts Peili on all nodes; they are told of the first one only. */
async function start(lab: Lab): Promise<void> {
  const [first] = lab.nodes;
  assert.ok(first);
  await Promise.all(lab.nodes.map(async (node) => {
    const folder = join(node.path, "peili");
    await Deno.mkdir(folder, { recursive: true });
    await node.startPeili({
      ...FLIGHT_FLAGS,
      bootstrapKind: "static",
      staticPeers: null,
      staticBootstrapPeers: `/ip4/${first.ip}/tcp/5001`,
    });
    await node.peiliReady();
  }));
  for (const node of lab.nodes) {
    await waitFor(`${node.name} to know the others`, async () => {
      const there = (await node.peiliLogs())
        .filter(({ msg }) => msg === "peer is there");
      return new Set(there.map(({ peer }) => peer)).size === NODES - 1;
    }, { budgetMs: 30_000, log: node.peiliLog });
  }
}

async function fliesTogether(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  await assertOutcome(await pulledBy(lab, lab.nodes, image), {
    what: "a cold start over libp2p",
    nodes: lab.nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** One has it and told of it: all others take it from him, and none upstream. */
async function findsHolders(lab: Lab): Promise<void> {
  const image = await fresh(lab, "small");
  const [first, ...others] = lab.nodes;
  assert.ok(first);
  await pulledBy(lab, [first], image);
  const outcome = await pulledBy(lab, others, image);
  await assertOutcome(outcome, {
    what: "a seeded pull over libp2p",
    nodes: others,
    images: [image.info],
    atMost: ONE_COPY,
  });
  assert.ok(outcome.copies < 0.1, `${outcome.copies} copies`);
}

Deno.test("nodes find each other and what they have over libp2p", async (t) => {
  await using lab = await Lab.up({ nodes: NODES });
  await start(lab);
  const steps: Record<string, (lab: Lab) => Promise<void>> = {
    "a cold start is one download": fliesTogether,
    "what one has the others take": findsHolders,
  };
  for (const entry of Object.entries(steps)) await onLab(t, lab, entry);
});
