/**
 * Real peer listeners on 127.0.0.1, each with a store in memory, and routers
 * that know them by their addresses.
 *
 * @module
 */

import { inBackground } from "../../src/async/background.ts";
import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import { NO_LOG } from "../../src/log.ts";
import { NO_METRICS } from "../../src/metrics/metrics.ts";
import { holdsIn, peerApi } from "../../src/mirror/peer_api.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { askPeers } from "../../src/proof/ask_peers.ts";
import { type Deployment, deployment } from "../../src/proof/deployment.ts";
import { membersOnly } from "../../src/registry/members.ts";
import { observed } from "../../src/registry/observe.ts";
import { PEER_PATH } from "../../src/routing/peer_paths.ts";
import type { Peer } from "../../src/routing/router.ts";
import {
  type StaticPeers,
  staticPeers,
} from "../../src/routing/static_peers.ts";
import { eventually } from "../suites/eventually.ts";
import { smallImage } from "../suites/image.ts";
import {
  type Cluster,
  type ClusterNode,
  zoneOf,
} from "../suites/router_suite.ts";

/** A peer listener, and what a test does to it. */
export interface PeerServer extends AsyncDisposable {
  /** Who it is. */
  readonly self: Peer;
  /** What it has. */
  readonly store: MemoryStore;
  /** Paths that it was asked for, beside the probes. */
  readonly asked: string[];
  /** Answers no question about content from now on, but accepts them. */
  fallSilent(): void;
  /** Stops to listen. */
  stop(): Promise<void>;
}

/** Whose listeners and routers these are when a test does not say. */
export const OPEN: Deployment = deployment({ network: "peili" });

/** `node-1` and so on are of a cluster, and have zones. */
function zoneOfNode(id: string): { zone?: string } {
  const [, index] = /^node-(\d+)$/.exec(id) ?? [];
  return index === undefined ? {} : { zone: zoneOf(Number(index)) };
}

/** Starts a peer listener. */
export function peerServer(id: string, members: Deployment = OPEN): PeerServer {
  const store = memoryStore();
  const asked: string[] = [];
  const silence = Promise.withResolvers<void>();
  let silent = false;
  let stopped = false;
  const who = { id, ...zoneOfNode(id) };
  const api = Object.entries(peerApi(who, holdsIn(store)));
  const handler = membersOnly(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname !== PEER_PATH) {
      asked.push(pathname);
      if (silent) await silence.promise;
    }
    const handler = api.find(([path]) => pathname.startsWith(path))?.[1];
    if (handler) return await handler(request);
    throw new RegistryError("NAME_INVALID", pathname);
  }, { deployment: members, log: NO_LOG });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    observed("peer", handler, { log: NO_LOG, metrics: NO_METRICS }),
  );
  const stop = async () => {
    silence.resolve();
    if (!stopped) await server.shutdown();
    stopped = true;
  };
  return {
    self: { ...who, address: `127.0.0.1:${server.addr.port}` },
    store,
    asked,
    fallSilent: () => void (silent = true),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A router that runs. */
export interface RunningPeers extends AsyncDisposable {
  /** What is tested. */
  readonly router: StaticPeers;
}

/** Starts a router and waits until it knows this many. */
export async function runningPeers(
  id: string,
  addresses: readonly string[],
  live: number,
  members: Deployment = OPEN,
): Promise<RunningPeers> {
  const fetcher = askPeers(members, { log: NO_LOG });
  const router = staticPeers({
    id,
    ...zoneOfNode(id),
    addresses,
    fetcher,
    log: NO_LOG,
  });
  const running = inBackground((signal) => router.run(signal));
  await eventually(
    `${live} peers are there`,
    () =>
      router.ready().ready &&
      // One that has not answered goes by its address.
      router.nearest("key", 99).filter(({ id, address }) => id !== address)
          .length === live,
  );
  return {
    router,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Makes a cluster of static peers. */
export async function peerCluster(
  size: number,
  members: Deployment = OPEN,
): Promise<Cluster> {
  await using parts = new AsyncDisposableStack();
  const servers = Array.from(
    { length: size },
    (_, index) => parts.use(peerServer(`node-${index}`, members)),
  );
  const addresses = servers.map(({ self }) => self.address);
  const nodes = await Promise.all(servers.map(async (server) => {
    const { self } = server;
    const running = parts.use(
      await runningPeers(self.id, addresses, size, members),
    );
    return clusterNode(server, running);
  }));
  const all = parts.move();
  return { nodes, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A peer listener and its router as the suite knows them. */
export function clusterNode(
  { self, store, stop }: PeerServer,
  running: RunningPeers,
): ClusterNode {
  const { router } = running;
  return {
    self,
    router,
    async hold(name) {
      const { manifest, tag } = smallImage(name);
      const digest = store.put(manifest);
      store.tag(tag, digest);
      await router.advertise([digest, tag]);
      return [digest, tag];
    },
    async drop(name) {
      const { manifest, tag } = smallImage(name);
      const digest = store.put(manifest);
      store.delete(digest);
      store.untag(tag);
      await router.withdraw([digest, tag]);
    },
    async die() {
      await running[Symbol.asyncDispose]();
      await stop();
    },
  };
}
