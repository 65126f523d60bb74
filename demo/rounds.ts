/**
 * The three rounds of the demo, and what is counted in each: bytes at the
 * registry and in Peili's own metrics, nothing is computed.
 *
 * @module
 */

import { sleep } from "../src/async/backoff.ts";
import { abortScope } from "../src/async/abort_scope.ts";
import { type DemoCluster, startCluster } from "./cluster.ts";
import { demoImage } from "./image.ts";
import { type DemoNode, loadPull, type NodePlace, storeOf } from "./node.ts";
import type { DemoOptions } from "./options.ts";
import type { DemoProcess } from "./process.ts";
import { type DemoRegistry, startRegistry } from "./registry.ts";

/** What one node had, so far. */
export interface NodeFigures {
  readonly name: string;
  /** Milliseconds from the word to the end of its pull; null: it still pulls. */
  readonly ms: number | null;
  /** Bytes that the registry sent to it. */
  readonly fromRegistry: number;
  /** Bytes that its Peili had of others. */
  readonly fromNodes: number;
}

/** A round that is over. */
export interface RoundFigures {
  /** What was special. */
  readonly name: string;
  readonly nodes: readonly NodeFigures[];
}

/** Who shows what happens. */
export interface DemoView {
  /** Something takes a moment. */
  preparing(what: string): void;
  /** A round begins. */
  begins(title: string, imageBytes: number): void;
  /** A round goes on, or ends. */
  shows(nodes: readonly NodeFigures[], ended: boolean): void;
}

/** What all rounds share. */
interface Stage {
  readonly view: DemoView;
  readonly registry: DemoRegistry;
  readonly image: string;
  readonly imageBytes: number;
  readonly signal: AbortSignal;
}

/** One that pulls in a round. */
interface Puller {
  readonly place: NodePlace;
  /** Null: it pulls as if there were no Peili. */
  readonly node: DemoNode | null;
}

/** Milliseconds between two looks at the figures: smooth to the eye. */
const LOOK_MS = 200;

/**
 * Runs the demo.
 *
 * @param options How large
 * @param place The demo's folder, and who shows what happens
 * @param signal Ends it
 * @returns What was counted, round by round
 * @throws {Error} If something that is needed does not work
 */
export async function runDemo(
  options: DemoOptions,
  { path, view }: { readonly path: string; readonly view: DemoView },
  signal: AbortSignal,
): Promise<RoundFigures[]> {
  const places = Array.from({ length: options.nodes }, (_, index) => ({
    name: `node-${index + 1}`,
    folder: path,
  }));
  view.preparing(`${options.nodes} nodes and an image`);
  const [made, started] = await Promise.allSettled([
    demoImage(`${path}/image`, options, signal),
    startCluster(places, signal),
  ]);
  await using cluster = valueOf(started);
  const image = valueOf(made);
  await using registry = startRegistry(image, options.registryMbit);
  const stage = {
    view,
    registry,
    image: `${registry.address}/demo/app:v1`,
    imageBytes: image.bytes,
    signal,
  };
  return await threeRounds(stage, places, cluster, options);
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

async function threeRounds(
  stage: Stage,
  places: readonly NodePlace[],
  cluster: DemoCluster,
  { nodes, registryMbit }: DemoOptions,
): Promise<RoundFigures[]> {
  const { view, registry, signal } = stage;
  const alone = places.map((place) => ({ place, node: null }));
  const first = await round(
    stage,
    "without Peili",
    `Round 1: ${nodes} nodes pull at once, each from the registry (${registryMbit} Mbit/s)`,
    alone,
  );
  const together = places.flatMap((place, index) => {
    const node = cluster.nodes[index];
    return node ? [{ place, node }] : [];
  });
  const second = await round(
    stage,
    "with Peili",
    `Round 2: ${nodes} nodes pull at once, each asks its Peili first`,
    together,
  );
  view.preparing("the end of the registry, and a node that is new");
  await registry[Symbol.asyncDispose]();
  const [{ folder } = { folder: "" }] = places;
  const place = { name: `node-${nodes + 1}`, folder };
  const node = await cluster.join(place, signal);
  const third = await round(
    stage,
    "registry stopped",
    "Round 3: the registry is stopped; another node joins, empty, and pulls",
    [{ place, node }],
  );
  return [first, second, third];
}

async function round(
  stage: Stage,
  name: string,
  title: string,
  pullers: readonly Puller[],
): Promise<RoundFigures> {
  const { view, imageBytes, signal } = stage;
  view.preparing("the pulls");
  await using parts = new AsyncDisposableStack();
  const pulls = await Promise.all(pullers.map(async (puller) => {
    const pull = parts.use(await loading(stage, puller, parts));
    await pull.loaded;
    return { ...puller, pull };
  }));
  const before = await Promise.all(pullers.map((one) => counted(stage, one)));
  const times = new Map<Puller, number>();
  const look = async (): Promise<NodeFigures[]> =>
    await Promise.all(pulls.map(async (one, index) => {
      const { fromRegistry, fromNodes } = await counted(stage, one);
      return {
        name: one.place.name,
        ms: times.get(one) ?? null,
        fromRegistry: fromRegistry - (before[index]?.fromRegistry ?? 0),
        fromNodes: fromNodes - (before[index]?.fromNodes ?? 0),
      };
    }));
  view.begins(title, imageBytes);
  const begun = performance.now();
  using scope = abortScope(signal);
  const all = Promise.all(pulls.map(async (one) => {
    await one.pull.go();
    await unlessAborted(succeeded(one.pull, one.place.name), signal);
    times.set(one, performance.now() - begun);
  })).finally(() => scope.abort());
  all.catch(() => {/* it is awaited below */});
  while (!scope.signal.aborted) {
    await sleep(LOOK_MS, scope.signal);
    if (!scope.signal.aborted) view.shows(await look(), ONGOING);
  }
  await all;
  const nodes = await look();
  view.shows(nodes, ENDED);
  return { name, nodes };
}

const ONGOING = false;
const ENDED = true;

/** A pull into the node's folder, or, where there is no Peili, beside it. */
async function loading(
  { image }: Stage,
  { place, node }: Puller,
  parts: AsyncDisposableStack,
): Promise<DemoProcess> {
  const store = node ? storeOf(place) : `${storeOf(place)}.alone`;
  if (!node) {
    // Its place on the disk is needed for the next round.
    parts.defer(() => Deno.remove(store, { recursive: true }).catch(() => {}));
  }
  return await loadPull(place, image, { mirror: node?.mirror ?? null, store });
}

async function counted(
  { registry, signal }: Stage,
  { place, node }: Puller,
): Promise<{ fromRegistry: number; fromNodes: number }> {
  return {
    fromRegistry: registry.sentTo(place.name),
    fromNodes: await node?.fromPeers(signal) ?? 0,
  };
}

async function succeeded(pull: DemoProcess, name: string): Promise<void> {
  const code = await pull.ended;
  if (code !== 0) throw new Error(`the pull of ${name}: ${pull.lastLines()}`);
}

function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
