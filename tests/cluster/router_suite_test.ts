/**
 * What every router must find, with each of them in a process of its own. Those
 * in memory are one process by nature.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Cluster, routerSuite, zoneOf } from "../suites/router_suite.ts";
import { startChild } from "./child.ts";
import { remoteNode } from "./node_answers.ts";
import type { PeerProcessOptions, PeerQuestions } from "./peer_process.ts";
import { knowEachOther, startRouter } from "./routers.ts";

const PEER = fileURLToPath(new URL("peer_process.ts", import.meta.url));

async function routers(size: number): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const first = stack.use(await startRouter({ zone: zoneOf(0) }));
  const peers = [first.multiaddr];
  const others = await Promise.all(
    Array.from({ length: size - 1 }, async (_, i) => {
      return stack.use(await startRouter({ zone: zoneOf(i + 1), peers }));
    }),
  );
  const all = [first, ...others];
  await knowEachOther(all);
  const nodes = await Promise.all(all.map(remoteNode));
  const running = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function peers(size: number): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const all = await Promise.all(
    Array.from({ length: size }, async (_, index) => {
      const options: PeerProcessOptions = { id: `node-${index}` };
      const one = await startChild<PeerQuestions, string>([PEER], options);
      stack.use(one.child);
      return one;
    }),
  );
  const addresses = all.map(({ started }) => started);
  await Promise.all(all.map(({ child }) => child.ask("know", addresses)));
  const nodes = await Promise.all(all.map(({ child }) => remoteNode(child)));
  const running = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

routerSuite("startLibp2p(), a process each,", routers);
routerSuite("staticPeers(), a process each,", peers);
