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
import type { Node } from "./node.ts";
import type { RegistryRequest } from "./upstream.ts";
import { waitFor } from "./wait.ts";

/** How long content may take to begin to flow, and a part of it to be there. */
const FLOW_MS = 30_000;

/**
 * What the receiver of a pull that is broken off gets at, in Mbit/s: 95 MiB
 * take 2 s, which leaves time for breaking it off.
 */
const RATE_MBIT = 400;

/** The pull is broken off when so much of it has flowed. */
const FLOWED_BYTES = 16 << 20;

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

/** What happens to a peer, and how it is undone. */
interface Misfortune {
  befall(node: Node): Promise<void> | void;
  undo(node: Node): Promise<void> | void;
}

const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  "is killed": {
    befall: (node) => node.peili.daemon.kill(),
    undo: (node) => node.startPeili(),
  },
  "is frozen": {
    befall: (node) => node.peili.daemon.signal("SIGSTOP"),
    undo: (node) => node.peili.daemon.signal("SIGCONT"),
  },
  "loses its network": {
    befall: (node) => node.cut(),
    undo: (node) => node.heal(),
  },
};

/** Lets something happen to a node while `run` runs. */
async function during(
  node: Node,
  { befall, undo }: Misfortune,
  run: () => Promise<void>,
): Promise<void> {
  await befall(node);
  try {
    await run();
  } finally {
    await undo(node);
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

/** Waits until one of the nodes has sent a good part, and gives it. */
async function awaitSender(
  lab: Lab,
  since: readonly number[],
): Promise<Node> {
  let sender: Node | undefined;
  await waitFor("content to flow between nodes", async () => {
    const { nodes } = await lab.bytes();
    const at = nodes.findIndex(({ tx }, i) =>
      tx - (since[i] ?? 0) > FLOWED_BYTES
    );
    sender = lab.nodes[at];
    return sender !== undefined;
  }, { budgetMs: FLOW_MS });
  if (!sender) throw new Error("Cannot find the node that sends");
  return sender;
}

/** Pulls at a capped rate, and lets something happen to who sends meanwhile. */
async function breakOff(
  lab: Lab,
  image: string,
  misfortune: Misfortune,
): Promise<Node> {
  const node = lab.node(2);
  const sent = (await lab.bytes()).nodes.map(({ tx }) => tx);
  await node.rate({ inMbit: RATE_MBIT });
  const pull = node.pull(image);
  pull.catch(() => {}); // told below, after what broke it off is undone
  const sender = await awaitSender(lab, sent);
  await during(sender, misfortune, async () => {
    await pull;
  });
  await node.rate({ inMbit: 0 });
  return sender;
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
    const sender = await breakOff(lab, name, misfortune);
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
  const left = logs.find(({ msg, digest }) =>
    msg === "peer failed in mid-body" && digest === image.layers[0]?.digest
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
  if (!killed) throw new Error("Cannot kill");
  assert.equal(await breakOff(lab, name, killed), holder);
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
