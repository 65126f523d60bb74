/**
 * containerd's download slots when nodes wait for each other. A node has three,
 * and since 2.1 each attempt at a host takes one. A lead that is answered 404
 * gives its slot back, and its next attempt queues behind requests that wait
 * for the leads of other nodes, which are queued the same way: nobody goes on
 * until somebody gives up. A lead that is answered 307 keeps its slot.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertHolds, upstreamSince } from "./evidence.ts";
import { print, versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import {
  type LeadAnswer,
  standInCommand,
  type StandInLine,
} from "./stand_in.ts";
import type { ContainerdVersion } from "./versions.ts";

/** How many blobs a containerd of the lab pulls at once. */
const SLOTS = 3;

/**
 * How often 404 is tried: where one node is far ahead of the only other one,
 * it has all leads, waits for nobody, and the other waits only for it.
 */
const TRIES = 4;

/** Who pulls the image `many`, all at once. */
interface Cluster {
  version: ContainerdVersion;
  nodes: number;
}

/** What one start of a cluster showed. */
interface Figures {
  seconds: number;
  /** What the registry sent, as a multiple of the image. */
  multiple: number;
  /** How often the registry was asked for each blob. */
  gets: number[];
  /** The most slots that were waiting at once while nothing came to any node. */
  waiting: number;
  /** Requests that waited in vain. */
  gaveUp: number;
}

/** The two lines of releases that take a slot for each attempt. */
const CLUSTERS: readonly Cluster[] = [
  { version: "2.1", nodes: 2 },
  { version: "2.3", nodes: 2 },
  { version: "2.3", nodes: 4 },
  { version: "2.3", nodes: 8 },
];

async function linesOf({ peili }: Node): Promise<StandInLine[]> {
  const text = await Deno.readTextFile(peili.daemon.log);
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)); // Deno says where it listens.
}

/** Pulls on all nodes of a fresh lab. */
async function measure(
  { version, nodes }: Cluster,
  answer: LeadAnswer,
): Promise<Figures> {
  await using lab = await Lab.up({ nodes, containerd: [version] });
  const [name, image] = [await lab.image("many"), await lab.imageInfo("many")];
  await lab.startMirror(standInCommand(answer));
  const since = await upstreamSince(lab);
  const start = performance.now();
  await Promise.all(lab.nodes.map((node) => node.pull(name)));
  const seconds = (performance.now() - start) / 1000;
  for (const node of lab.nodes) await assertHolds(node, image);
  const multiple = await since.bytes() / image.totalBytes;
  const uris = (await since.requests()).filter(({ method }) => method === "GET")
    .map(({ uri }) => uri);
  const gets = [image.config, ...image.layers].map(({ digest }) =>
    uris.filter((uri) => uri.includes(digest)).length
  );
  const lines = await Promise.all(lab.nodes.map(linesOf));
  const waiting = sum(lines.map(mostWaiting));
  const gaveUp = lines.flat().filter(({ kind }) => kind === "gave up").length;
  return { seconds, multiple, gets, waiting, gaveUp };
}

/** One line for people, who may compare the answers. */
function row({ nodes }: Cluster, answer: LeadAnswer, figures: Figures): string {
  const { seconds, multiple, gets, waiting, gaveUp } = figures;
  return [
    `lead answered ${answer}: ${seconds.toFixed(1)} s`,
    `${multiple.toFixed(2)}x the bytes`,
    `${sum(gets)} requests for ${gets.length} blobs`,
    `${waiting} of ${SLOTS * nodes} slots waiting while nothing came`,
    `${gaveUp} waits in vain`,
  ].join(", ");
}

/** The most requests that waited at one node while nothing came. */
function mostWaiting(lines: readonly StandInLine[]): number {
  const counts = lines.map((line) => "waiting" in line ? line.waiting : 0);
  return Math.max(0, ...counts);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const versions = await versionsHere();

for (const cluster of CLUSTERS) {
  const { version, nodes } = cluster;
  const ignore = !versions.includes(version);
  const who = `${nodes} nodes of containerd ${version}`;
  Deno.test(`${who} wait for each other after a 404, not after a 307`, {
    ignore,
  }, async () => {
    let refused: Figures;
    let tries = 0;
    do {
      refused = await measure(cluster, "404");
      await print(row(cluster, "404", refused));
    } while (refused.gaveUp === 0 && ++tries < TRIES);
    const redirected = await measure(cluster, "307");
    await print(row(cluster, "307", redirected));
    assert.ok(refused.gaveUp > 0, "404 made nobody wait in vain");
    assert.ok(refused.multiple > 1.05, `404: ${refused.multiple}x the bytes`);
    assert.equal(redirected.gaveUp, 0);
    assert.deepEqual(redirected.gets, redirected.gets.map(() => 1));
    assert.ok(redirected.multiple < 1.05, `307: ${redirected.multiple}x`);
  });
}
