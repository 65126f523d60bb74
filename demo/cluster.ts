/**
 * The nodes of the demo, on ports that nobody else has.
 *
 * @module
 */

import { inParallel } from "../src/async/in_parallel.ts";
import {
  type DemoNode,
  type NodePlace,
  PortTakenError,
  startNode,
} from "./node.ts";

/** Nodes that know each other. */
export interface DemoCluster extends AsyncDisposable {
  /** In the order of their places. */
  readonly nodes: readonly DemoNode[];
  /** Starts one that was expected and is empty. */
  join(place: NodePlace, signal: AbortSignal): Promise<DemoNode>;
}

/** Ports that were free a moment ago may be taken: so often others are tried. */
const MAX_TRIES = 3;

/**
 * Starts nodes at once.
 *
 * @param places Theirs; there will be one more
 * @param signal Ends the start
 * @param pickPorts Finds as many free ports as it is told
 * @returns The cluster
 */
export async function startCluster(
  places: readonly NodePlace[],
  signal: AbortSignal,
  pickPorts: (count: number) => readonly number[] = freePorts,
): Promise<DemoCluster> {
  for (let tries = 1;; tries++) {
    try {
      return await tryCluster(places, pickPorts(places.length + 1), signal);
    } catch (error) {
      const again = error instanceof PortTakenError && tries < MAX_TRIES;
      if (!again || signal.aborted) throw error;
    }
  }
}

async function tryCluster(
  places: readonly NodePlace[],
  ports: readonly number[],
  signal: AbortSignal,
): Promise<DemoCluster> {
  await using parts = new AsyncDisposableStack();
  const nodes: DemoNode[] = [];
  const start = async (
    [index, place]: [number, NodePlace],
    end: AbortSignal,
  ) => {
    const port = ports[index] ?? 0;
    const network = { port, ports, expected: places.length };
    nodes[index] = parts.use(await startNode(place, network, end));
  };
  // All at once, for each waits for the others; when one fails, all end.
  const limit = places.length;
  await inParallel([...places.entries()], start, { limit, signal });
  const all = parts.move();
  return {
    nodes,
    async join(place, signal) {
      const port = ports[places.length] ?? 0;
      const network = { port, ports, expected: ports.length };
      return all.use(await startNode(place, network, signal));
    },
    [Symbol.asyncDispose]: () => disposeTogether(all, nodes),
  };
}

/** Each takes a moment to end: all do so at once, and the stack finds them ended. */
async function disposeTogether(
  all: AsyncDisposableStack,
  nodes: readonly DemoNode[],
): Promise<void> {
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  await all.disposeAsync();
}

/**
 * Finds ports that nobody has now.
 *
 * @param count How many
 * @returns As many, each another: all are open at once
 */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  return listeners.map((listener) => {
    const { port } = listener.addr;
    listener.close();
    return port;
  });
}
