/** Flights of containerds that fetch a layer in parallel ranges. @module */
import assert from "node:assert/strict";
import { awaitPeers, onLab, startPeilis, upstreamSince } from "./evidence.ts";
import {
  assertOutcome,
  FLIGHT_FLAGS,
  fresh,
  onlyLayer,
  outcomeOf,
  pulledBy,
} from "./flying.ts";
import { print, versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import { breakOff, MISFORTUNES } from "./misfortune.ts";

/** As in containerd's own documentation of the setting. */
const BUFFER_BYTES = 2 << 20;

/** What the registry sends at, in Mbit/s: less is on its way at a time. */
const RATE_MBIT = 400;

/**
 * Copies that one download in ranges costs. containerd asks for open-ended
 * ranges and hangs up on each: what was on its way then is sent for nothing,
 * and how much that is depends on the machine. So one node alone, without a
 * mirror, is measured first.
 */
async function alone(lab: Lab): Promise<number> {
  const image = await fresh(lab, "b100x4");
  const { copies } = await pulledBy(lab, [lab.node(1)], image);
  await print(`one node alone: ${copies.toFixed(2)} copies`);
  return copies;
}

/** By so much of a copy two downloads in ranges differ. */
const SLACK_COPIES = .4;

async function startsCold(lab: Lab, atMost: number): Promise<void> {
  const image = await fresh(lab, "b100x4");
  const since = await upstreamSince(lab);
  const outcome = await pulledBy(lab, lab.nodes, image);
  await assertOutcome(outcome, {
    what: "cold start in ranges",
    nodes: lab.nodes,
    images: [image.info],
    atMost,
  });
  const requests = await since.requests();
  for (const { digest, size } of image.info.layers) {
    const asked = requests.filter(({ uri }) => uri.includes(digest));
    // A flight that was handed on asks for some chunk twice.
    const chunks = Math.ceil(size / BUFFER_BYTES) + lab.nodes.length;
    assert.ok(asked.length <= chunks, `${asked.length} ranges of ${digest}`);
  }
}

/**
 * The only holder is killed while another node pulls from it in ranges. A 404
 * to a later range would fail the pull: the redirect to the registry does not.
 */
async function losesOnlyHolder(lab: Lab, atMost: number): Promise<void> {
  for (const [node, holder] of [[1, 2], [2, 1]]) {
    const image = await fresh(lab, "b100x1");
    const [puller, giver] = [lab.node(node ?? 1), lab.node(holder ?? 2)];
    await giver.pull(image.name);
    await awaitPeers(lab);
    const since = await upstreamSince(lab);
    const outcome = await outcomeOf(lab, image.info.totalBytes, async () => {
      const pull = breakOff(lab, [puller, image.name], {
        ...MISFORTUNES["is killed"],
        undo: (node) => node.startPeili(FLIGHT_FLAGS),
      });
      await pull.catch(() => {/* told by outcomeOf() */});
      return new Map([[puller, pull]]);
    });
    await assertOutcome(outcome, {
      what: `containerd ${puller.containerd.version}'s only holder is killed`,
      nodes: [puller],
      images: [image.info],
      atMost,
    });
    const { digest } = onlyLayer(image.info);
    const rest = (await since.requests()).filter(({ uri }) =>
      uri.includes(digest)
    );
    assert.ok(rest.length > 0, "the registry gave the rest");
  }
}

Deno.test("flights serve containerd's parallel ranges", async (t) => {
  const settings = { concurrentLayerFetchBuffer: BUFFER_BYTES };
  const containerd = (await versionsHere())
    .filter((version) => version.startsWith("2."));
  await using lab = await Lab.up({ nodes: 4, containerd, settings });
  await lab.upstream.rate({ outMbit: RATE_MBIT });
  const atMost = await alone(lab) + SLACK_COPIES;
  await startPeilis(lab, FLIGHT_FLAGS);
  await onLab(t, lab, ["all at once", (lab) => startsCold(lab, atMost)]);
  await onLab(t, lab, [
    "the only holder is killed: the registry gives the rest",
    (lab) => losesOnlyHolder(lab, atMost),
  ]);
});
