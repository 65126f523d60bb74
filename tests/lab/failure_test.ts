/** Mirrors and peers that stop, freeze, vanish or die: pulls go on. @module */
import assert from "node:assert/strict";
import {
  assertHolds,
  awaitPeers,
  onLab,
  startPeilis,
  upstreamSince,
  withoutUpstream,
} from "./evidence.ts";
import type { ImageName } from "./image_catalogue.ts";
import { Lab } from "./lab.ts";
import {
  breakOff,
  during,
  FLOWED_BYTES,
  type Misfortune,
  MISFORTUNES,
} from "./misfortune.ts";
import type { Node } from "./node.ts";
import type { RegistryRequest } from "./upstream.ts";

/**
 * What a pull that is broken off may move beyond the image: headers, and what
 * was on its way from the first peer. The image has 100 MB.
 */
const EXTRA_BYTES = 12e6;

/** What the registry is asked when a node pulls `small` from there. */
const WHOLE_PULL = [
  ...Array.from({ length: 4 }, () => "GET blob 200"), // config, three layers
  "GET manifest 200",
  "HEAD manifest 200",
];

/** A request without the image's name and digests, which differ by the pull. */
function shapeOf({ method, uri, status }: RegistryRequest): string {
  const kind = uri.includes("/blobs/") ? "blob" : "manifest";
  return `${method} ${kind} ${status}`;
}

/** Pulls, and tells what the registry was asked meanwhile. */
async function pullAndCount(
  lab: Lab,
  node: Node,
  [name, seed]: [ImageName, string],
): Promise<RegistryRequest[]> {
  const image = await lab.image(name, seed);
  const since = await upstreamSince(lab);
  await node.pull(image);
  await assertHolds(node, await lab.imageInfo(name, seed));
  return await since.requests();
}

async function pullsWithoutMirror(lab: Lab): Promise<void> {
  const requests = await pullAndCount(lab, lab.node(1), ["small", "plain"]);
  assert.deepEqual(requests.map(shapeOf).sort(), WHOLE_PULL);
}

async function pullsWithStoppedMirror(lab: Lab): Promise<void> {
  for (const node of lab.nodes) await node.stopPeili();
  for (const node of lab.nodes) {
    const image = ["small", `stopped-${node.number}`] as const;
    const requests = await pullAndCount(lab, node, [...image]);
    assert.deepEqual(requests.map(shapeOf).sort(), WHOLE_PULL);
  }
}

/** The only holder is away: its image comes from upstream. */
async function pullsFromUpstream(
  lab: Lab,
  [what, misfortune]: [string, Misfortune],
): Promise<void> {
  const [holder, node] = [lab.node(1), lab.node(2)];
  const seed = `only-${what.replaceAll(" ", "-")}`;
  await holder.pull(await lab.image("small", seed));
  await awaitPeers(lab);
  await during(holder, misfortune, async () => {
    const requests = await pullAndCount(lab, node, ["small", seed]);
    assert.deepEqual(requests.map(shapeOf).sort(), WHOLE_PULL);
  });
}

/** One of two holders is away: the other gives all. */
async function pullsFromTheOther(
  lab: Lab,
  [what, misfortune]: [string, Misfortune],
): Promise<void> {
  const [holder, node, other] = [lab.node(1), lab.node(2), lab.node(3)];
  const seed = `either-${what.replaceAll(" ", "-")}`;
  const image = await lab.image("small", seed);
  await holder.pull(image);
  await other.pull(image);
  await awaitPeers(lab);
  await during(holder, misfortune, () =>
    withoutUpstream(lab, async () => {
      await node.pull(image);
      await assertHolds(node, await lab.imageInfo("small", seed));
    }));
}

/** The holder that sends is lost in the middle: the other gives the rest. */
async function resumesFromTheOther(
  lab: Lab,
  [what, misfortune]: [string, Misfortune],
): Promise<void> {
  const [one, node, other] = [lab.node(1), lab.node(2), lab.node(3)];
  const seed = `resumed-${what.replaceAll(" ", "-")}`;
  const name = await lab.image("b100x1", seed);
  const image = await lab.imageInfo("b100x1", seed);
  await Promise.all([one.pull(name), other.pull(name)]);
  await awaitPeers(lab);
  const before = await lab.bytes();
  await withoutUpstream(lab, async () => {
    const sender = await breakOff(lab, [node, name], misfortune);
    const rest = sender === one ? other : one;
    const after = await lab.bytes();
    const sent = (giver: Node) =>
      (after.nodes[giver.number - 1]?.tx ?? 0) -
      (before.nodes[giver.number - 1]?.tx ?? 0);
    assert.ok(sent(rest) > FLOWED_BYTES, `the other sent ${sent(rest)}`);
    const received = (after.nodes[1]?.rx ?? 0) - (before.nodes[1]?.rx ?? 0);
    assert.ok(received < image.totalBytes + EXTRA_BYTES, `got ${received}`);
    await assertHolds(node, image);
  });
  const logs = await node.peiliLogs();
  // Home may have found out before it did itself.
  const left = logs.find(({ msg, digest }) =>
    (msg === "peer failed in mid-body" || msg === "peer was slow") &&
    digest === image.layers[0]?.digest
  );
  assert.ok(left, "Peili tells that it left a peer in mid-body");
}

/** The only holder is killed in the middle: the registry gives the rest. */
async function resumesUpstream(lab: Lab): Promise<void> {
  const [holder, node] = [lab.node(1), lab.node(2)];
  const name = await lab.image("b100x1", "rest");
  const image = await lab.imageInfo("b100x1", "rest");
  const [layer] = image.layers;
  await holder.pull(name);
  await awaitPeers(lab);
  const since = await upstreamSince(lab);
  const killed = MISFORTUNES["is killed"];
  assert.equal(await breakOff(lab, [node, name], killed), holder);
  await assertHolds(node, image);
  const requests = await since.requests();
  assert.deepEqual(requests.map(shapeOf), ["GET blob 206"]);
  assert.ok(requests[0]?.uri.includes(layer?.digest ?? "none"));
  const bytes = requests[0]?.bytes ?? 0;
  assert.ok(bytes > 0 && bytes < (layer?.size ?? 0) - FLOWED_BYTES / 2);
}

Deno.test("Peili's absence and its peers' end no pull", async (t) => {
  await using lab = await Lab.up({ nodes: 3 });
  await onLab(t, lab, ["a pull without a mirror", pullsWithoutMirror]);
  await startPeilis(lab);
  await onLab(t, lab, [
    "with Peili stopped everywhere a pull asks the registry the same",
    pullsWithStoppedMirror,
  ]);
  await startPeilis(lab);
  for (const entry of Object.entries(MISFORTUNES)) {
    const [what] = entry;
    await onLab(t, lab, [
      `the only holder ${what}: the registry gives all`,
      (lab) => pullsFromUpstream(lab, entry),
    ]);
    await onLab(t, lab, [
      `one of two holders ${what}: the other gives all`,
      (lab) => pullsFromTheOther(lab, entry),
    ]);
    await onLab(t, lab, [
      `the holder that sends ${what}: the other gives the rest`,
      (lab) => resumesFromTheOther(lab, entry),
    ]);
  }
  await onLab(t, lab, [
    "the only holder is killed in mid-layer: the registry is asked for the rest",
    resumesUpstream,
  ]);
});
