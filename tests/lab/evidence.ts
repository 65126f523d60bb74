/**
 * What tests of the mirror look at: stores, listeners, Peili's lines, and what
 * the registry was asked.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { print } from "./here.ts";
import { blobPath, type ImageInfo } from "./images.ts";
import type { Lab } from "./lab.ts";
import type { PeiliStart } from "./mirror.ts";
import type { Node } from "./node.ts";
import { digestOf } from "./oci_layout.ts";
import type { PeiliFlags } from "./peili_command.ts";
import type { RegistryRequest } from "./upstream.ts";
import { tailOf, waitFor } from "./wait.ts";

/** For what follows at once: a line in a log, a peer that is noticed. */
export const SOON_MS = 10_000;

/** For what containerd or Peili do in the background: listings, collections. */
export const SETTLE_MS = 40_000;

/**
 * Bytes that the registry's host may send without giving any content: resets,
 * ARP. The smallest layer that is waited for has 1 MiB.
 */
const NO_CONTENT_BYTES = 64 << 10;

/**
 * Runs one step on a lab that others share: what the step has cut is whole
 * again after it, and when it fails, the end of every Peili's log is printed.
 *
 * @returns Whether it passed
 */
export async function onLab(
  t: Deno.TestContext,
  lab: Lab,
  [name, run]: [name: string, run: (lab: Lab) => Promise<void>],
): Promise<boolean> {
  return await t.step(name, async () => {
    try {
      await run(lab);
    } catch (error) {
      for (const { peiliLog } of lab.nodes) {
        await print(`--- ${peiliLog}\n${await tailOf(peiliLog)}`);
      }
      throw error;
    } finally {
      for (const host of [lab.upstream, ...lab.nodes]) await host.heal();
    }
  });
}

/** Every digest that one pull of an image brings to a node. */
export function digestsOf(image: ImageInfo): string[] {
  const [pulled] = image.manifests;
  const { digest, config, layers } = image;
  const parts = [config, ...layers].map((part) => part.digest);
  return [...new Set([digest, pulled?.digest ?? digest, ...parts])];
}

/** The digests that a whole image has, all platforms together. */
export function allDigestsOf(image: ImageInfo): string[] {
  const parts = image.manifests.flatMap(({ digest, config, layers }) => [
    digest,
    config.digest,
    ...layers.map((layer) => layer.digest),
  ]);
  return [...new Set([image.digest, ...parts])];
}

/** Checks that a folder of blobs holds these digests, byte by byte. */
export async function assertBlobs(
  folder: string,
  digests: readonly string[],
): Promise<void> {
  for (const digest of digests) {
    assert.equal(
      digestOf(await Deno.readFile(blobPath(folder, digest))),
      digest,
    );
  }
}

/** Checks that a node has all of an image, byte by byte. */
export async function assertHolds(node: Node, image: ImageInfo): Promise<void> {
  await assertBlobs(node.containerd.contentPath, digestsOf(image));
}

/** What the registry was asked, and sent, since a moment. */
export interface UpstreamSince {
  requests(): Promise<RegistryRequest[]>;
  /** Everything that its host sent, headers of packets included. */
  bytes(): Promise<number>;
}

/** Begins to count what the registry is asked. */
export async function upstreamSince(lab: Lab): Promise<UpstreamSince> {
  const { length } = await lab.upstream.requests();
  const { registrySent } = await lab.bytes();
  return {
    requests: async () => (await lab.upstream.requests()).slice(length),
    bytes: async () => (await lab.bytes()).registrySent - registrySent,
  };
}

/** Cuts the upstream, runs, and checks that no content came from there. */
export async function withoutUpstream(
  lab: Lab,
  run: () => Promise<void>,
): Promise<void> {
  const since = await upstreamSince(lab);
  await lab.cutUpstream();
  await run();
  assert.deepEqual(await since.requests(), []);
  const bytes = await since.bytes();
  assert.ok(bytes < NO_CONTENT_BYTES, `the registry's host sent ${bytes}`);
  await lab.healUpstream();
}

/** One line of Peili's access log. */
export interface AccessLine {
  listener: string;
  handler: string;
  path: string;
  status: number;
  method: string;
  ip: string;
  source?: string;
  flight?: { role: string };
}

/** The lines that a node's Peili wrote about requests with `part` in the path. */
export async function accessLines(
  node: Node,
  part: string,
): Promise<AccessLine[]> {
  const lines = await node.peiliLogs();
  return lines
    .filter(({ msg, path }) => msg === "request" && String(path).includes(part))
    .map((line) => line as unknown as AccessLine);
}

/** Waits for a line of a node's Peili about a digest. */
export async function awaitLine(
  node: Node,
  digest: string,
  fits: (line: AccessLine) => boolean,
): Promise<AccessLine> {
  let found: AccessLine | undefined;
  await waitFor(`${node.name}'s line about ${digest}`, async () => {
    found = (await accessLines(node, digest)).find(fits);
    return found !== undefined;
  }, { budgetMs: SOON_MS, log: node.peiliLog });
  if (!found) throw new Error(`Cannot find a line about ${digest}`);
  return found;
}

/** The peers that a node's Peili says are there, as of now. */
export async function peersOf(node: Node): Promise<Set<unknown>> {
  const there = new Set<unknown>();
  for (const { msg, peer } of await node.peiliLogs()) {
    if (msg === "running") there.clear();
    if (msg === "peer is there") there.add(peer);
    if (msg === "peer is away") there.delete(peer);
  }
  return there;
}

/** Waits until every node's Peili has found every other, or some each other. */
export async function awaitPeers(
  lab: Lab,
  nodes: readonly Node[] = lab.nodes,
): Promise<void> {
  for (const node of nodes) {
    await waitFor(`${node.name} to find its peers`, async () => {
      const there = await peersOf(node);
      // A list of peers has the node itself on it; other routers do not.
      return nodes.every((other) =>
        other === node || there.has(other.peerAddress)
      );
    }, { budgetMs: SETTLE_MS, log: node.peiliLog });
  }
}

/** Starts Peili on all nodes, and waits until they have found each other. */
export async function startPeilis(
  lab: Lab,
  flags?: PeiliFlags,
  options?: Pick<PeiliStart, "resolvConf">,
): Promise<void> {
  await lab.startPeili(flags, options);
  await awaitPeers(lab);
}

/** Where a node's Peili is asked: by other nodes, or by its own containerd. */
export type ListenerName = "peer" | "mirror";

/**
 * The statuses that a node's Peili gives for each digest of an image, asked as
 * what it is: manifest or blob.
 */
export async function statuses(
  node: Node,
  image: ImageInfo,
  { listener, ns }: { listener: ListenerName; ns: string },
): Promise<number[]> {
  const address = listener === "peer" ? node.peerAddress : "127.0.0.1:30020";
  const manifests = new Set(image.manifests.map(({ digest }) => digest));
  manifests.add(image.digest);
  return await Promise.all(
    digestsOf(image).map((digest) => {
      const kind = manifests.has(digest) ? "manifests" : "blobs";
      const path = join("/v2", image.repository, kind, digest);
      return node.httpStatus(`http://${address}${path}?ns=${ns}`);
    }),
  );
}

/** Waits until a node serves, or refuses, all of an image at its peer listener. */
export async function awaitStatuses(
  lab: Lab,
  node: Node,
  [image, status]: [image: ImageInfo, status: number],
): Promise<void> {
  const ask = { listener: "peer", ns: lab.upstream.registry } as const;
  let seen: number[] = [];
  const what = `${status} for ${image.repository} at ${node.name}`;
  await waitFor(what, async () => {
    seen = await statuses(node, image, ask);
    return seen.every((one) => one === status);
  }, { budgetMs: SETTLE_MS, log: node.peiliLog }).catch((cause) => {
    throw new Error(`Cannot see ${what}: saw ${seen}`, { cause });
  });
}
