/**
 * Routers in processes of their own, on loopback.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { eventually } from "../suites/eventually.ts";
import { type Child, startChild } from "./child.ts";
import type { Commands, RouterProcessOptions, Started } from "./commands.ts";

const PROGRAM = fileURLToPath(new URL("router_process.ts", import.meta.url));

/**
 * Milliseconds until routers have failed: twenty processes share a few cores, and
 * what did not get through is tried again after 10 s.
 */
export const PATIENCE_MS = 90_000;

/** One process. */
export interface RouterProcess extends Child<Commands> {
  /** Its id, as other routers know it. */
  readonly id: string;
  /** Where its router listens. */
  readonly multiaddr: string;
  readonly port: number;
}

/** Starts one process. */
export async function startRouter(
  options: Partial<RouterProcessOptions>,
  program: string = PROGRAM,
): Promise<RouterProcess> {
  const all: RouterProcessOptions = {
    network: "test",
    swarmKey: "",
    peers: [],
    zone: "",
    dataDir: "/dev/null/none", // Each start is another node.
    port: 0,
    replicas: 20,
    ...options,
  };
  const { child, started: { info, port } } = await startChild<
    Commands,
    Started
  >([program], all);
  return {
    ...child,
    id: info.id,
    multiaddr: `/ip4/127.0.0.1/tcp/${port}`,
    port,
  };
}

/** Waits until all of these know each other, and nobody else. */
export async function knowEachOther(
  routers: readonly RouterProcess[],
): Promise<void> {
  const ids = routers.map(({ id }) => id).toSorted().join();
  let seen: { ready: boolean; count: number; same: boolean }[] = [];
  try {
    await eventually("all know each other", async () => {
      seen = await Promise.all(routers.map(async (router) => {
        const { ready } = await router.ask("ready");
        const all = await router.ask("nearest", "any", 1_000);
        const same = all.map(({ id }) => id).toSorted().join() === ids;
        return { ready, count: all.length, same };
      }));
      return seen.every(({ ready, same }) => ready && same);
    }, PATIENCE_MS);
  } catch (cause) {
    throw new Error(`They know ${JSON.stringify(seen)}`, { cause });
  }
}

/** Starts some that join by the first, and waits until all know each other. */
export async function startRouters(
  count: number,
  options: Partial<RouterProcessOptions>,
  stack: AsyncDisposableStack,
  program?: string,
): Promise<RouterProcess[]> {
  const first = stack.use(await startRouter(options, program));
  const peers = [...options.peers ?? [], first.multiaddr];
  const others = await Promise.all(
    Array.from(
      { length: count - 1 },
      async () => stack.use(await startRouter({ ...options, peers }, program)),
    ),
  );
  const all = [first, ...others];
  await knowEachOther(all);
  return all;
}
