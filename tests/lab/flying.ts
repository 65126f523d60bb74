/**
 * What tests of flights look at: who leads and who follows whom, how far a
 * node's pull is, and what all of it cost the registry.
 *
 * @module
 */
import assert from "node:assert/strict";
import { folderIngests, type Ingests } from "../../src/content/ingests.ts";
import { NO_LOG } from "../../src/log.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { byRendezvous } from "../../src/routing/rendezvous.ts";
import { assertHolds, upstreamSince } from "./evidence.ts";
import { print } from "./here.ts";
import type { ImageName } from "./image_catalogue.ts";
import type { ImageInfo } from "./images.ts";
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import type { PeiliFlags } from "./peili_command.ts";
import { waitFor } from "./wait.ts";

/** Each answer of a home is a line at this level. */
export const FLIGHT_FLAGS: PeiliFlags = { logLevel: "debug" };

/** How long a flight may take to get somewhere; the machine may be busy. */
const FLIGHT_MS = 60_000;

/**
 * Copies that one download costs: what is on the wire beside content is headers
 * and acknowledgements of far less than 5 %.
 */
export const ONE_COPY = 1.05;

/**
 * And after one loss: nobody may fetch more than what was lost, once. The tenth
 * is what was on its way to somebody who was left, megabytes in sockets.
 */
export const TWO_COPIES = 2.1;

/** What the nodes that pulled at once met. */
export interface Outcome {
  /** What the registry's host sent, in copies of what was pulled. */
  readonly copies: number;
  /** Why pulls failed, by node; the others succeeded. */
  readonly failed: ReadonlyMap<Node, string>;
}

/** A home's answer, as a node's log tells it. */
export interface Decision {
  readonly decision: "lead" | "follow" | "holders" | "none";
  readonly peer?: string;
}

/** An image that no node has. */
export interface Fresh {
  readonly name: string;
  readonly info: ImageInfo;
}

/** How many of an image a lab has had. */
const used = new WeakMap<Lab, Map<ImageName, number>>();

/**
 * Makes and pushes an image that no node of a lab has. All labs take them in
 * the same order, so that few are made.
 */
export async function fresh(lab: Lab, image: ImageName): Promise<Fresh> {
  const counts = used.get(lab) ?? new Map<ImageName, number>();
  used.set(lab, counts);
  const number = (counts.get(image) ?? 0) + 1;
  counts.set(image, number);
  const seed = `flight-${number}`;
  const name = await lab.image(image, seed);
  return { name, info: await lab.imageInfo(image, seed) };
}

/**
 * Counts what the registry sends while something runs and pulls go on, and
 * waits for all of them.
 *
 * @param bytes Size of one copy of all that is pulled
 * @param begin Starts the pulls and gives them, by node
 */
export async function outcomeOf(
  lab: Lab,
  bytes: number,
  begin: () => Promise<Map<Node, Promise<unknown>>>,
): Promise<Outcome> {
  const since = await upstreamSince(lab);
  const failed = new Map<Node, string>();
  for (const [node, pull] of await begin()) {
    await pull.catch((error) => failed.set(node, String(error)));
  }
  return { copies: await since.bytes() / bytes, failed };
}

/** Starts a pull on each node; failures are told when they are awaited. */
export function pullOn(
  nodes: readonly Node[],
  name: string,
): Map<Node, Promise<unknown>> {
  return new Map(nodes.map((node) => {
    const pull = node.pull(name);
    pull.catch(() => {/* told by outcomeOf() */});
    return [node, pull];
  }));
}

/** Pulls an image on nodes at once. */
export async function pulledBy(
  lab: Lab,
  nodes: readonly Node[],
  { name, info }: Fresh,
): Promise<Outcome> {
  return await outcomeOf(
    lab,
    info.totalBytes,
    () => Promise.resolve(pullOn(nodes, name)),
  );
}

/** Checks who failed, that the others have all, and what it cost. */
export async function assertOutcome(
  { copies, failed }: Outcome,
  { nodes, images, mayFail = [], atMost, what }: {
    nodes: readonly Node[];
    images: readonly ImageInfo[];
    mayFail?: readonly Node[];
    atMost: number;
    what: string;
  },
): Promise<void> {
  const who = [...failed.keys()].map(({ name }) => name).join() || "no pull";
  await print(`${what}: ${copies.toFixed(2)} copies, ${who} failed`);
  for (const [node, why] of failed) {
    assert.ok(mayFail.includes(node), `${node.name}: ${why}`);
  }
  for (const node of nodes) {
    if (failed.has(node)) continue;
    for (const image of images) await assertHolds(node, image);
  }
  assert.ok(copies <= atMost, `${what}: the registry sent ${copies} copies`);
}

/** What homes answered a node about a digest, oldest first. */
export async function decisionsOf(
  node: Node,
  digest: string,
): Promise<Decision[]> {
  const lines = await node.peiliLogs();
  return lines.filter((line) => line.msg === "flight" && line.digest === digest)
    .map((line) => line as unknown as Decision);
}

/** Waits until one of the nodes was told to lead. */
export async function awaitLeader(
  nodes: readonly Node[],
  digest: string,
): Promise<Node> {
  return await awaitNode("a leader", nodes, async (node) => {
    const decisions = await decisionsOf(node, digest);
    return decisions.some(({ decision }) => decision === "lead");
  });
}

/** Waits until one of the nodes follows, and another follows it. */
export async function awaitMiddle(
  nodes: readonly Node[],
  digest: string,
): Promise<Node> {
  return await awaitNode("a middle node", nodes, async (node) => {
    const told = await Promise.all(
      nodes.map(async (other) => (await decisionsOf(other, digest)).at(-1)),
    );
    const own = told[nodes.indexOf(node)];
    return own?.decision === "follow" &&
      told.some(({ decision, peer } = { decision: "none" }) =>
        decision === "follow" && peer === node.peerAddress
      );
  });
}

async function awaitNode(
  what: string,
  nodes: readonly Node[],
  fits: (node: Node) => Promise<boolean>,
): Promise<Node> {
  let found: Node | undefined;
  await waitFor(what, async () => {
    for (const node of nodes) {
      if (await fits(node)) found ??= node;
    }
    return found !== undefined;
  }, { budgetMs: FLIGHT_MS });
  if (!found) throw new Error(`Cannot find ${what}`);
  return found;
}

/** The node that is home of a digest while all live. */
export function homeOf({ nodes }: Lab, digest: string): Node {
  const [home] = byRendezvous(digest, nodes, ({ peerAddress }) => peerAddress);
  if (!home) throw new Error(`Cannot find the home of ${digest}`);
  return home;
}

/** Waits until a node's containerd has so many bytes of a digest. */
export async function awaitBytes(
  node: Node,
  digest: string,
  bytes: number,
): Promise<void> {
  const ingests = ingestsOf(node);
  const wanted = parseDigest(digest);
  if (!wanted) throw new TypeError(`Cannot wait for ${digest}: no digest`);
  await waitFor(`${node.name} to have ${bytes} bytes`, async () => {
    const ingest = await ingests.find(wanted);
    return (ingest?.offset ?? 0) >= bytes || await node.hasBlob(digest);
  }, { budgetMs: FLIGHT_MS, log: node.peiliLog });
}

function ingestsOf(node: Node): Ingests {
  return folderIngests({
    contentPath: node.containerd.contentPath,
    namespace: "k8s.io",
    takesPart: () => true,
    filter: { restricts: false },
    log: NO_LOG,
  });
}

/** The only layer of an image that has one. */
export function onlyLayer({ layers }: ImageInfo): ImageInfo["config"] {
  const [layer] = layers;
  if (!layer) throw new Error("Cannot use an image without a layer");
  return layer;
}

/** Bytes of everything that images are made of, what they share once. */
export function bytesOf(images: readonly ImageInfo[]): number {
  const parts = images.flatMap(({ config, layers, manifests }) => [
    config,
    ...layers,
    ...manifests,
  ]);
  const sizes = new Map(parts.map(({ digest, size }) => [digest, size]));
  return sizes.values().reduce((sum, size) => sum + size, 0);
}
