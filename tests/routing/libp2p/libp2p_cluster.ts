/**
 * Routers over libp2p in one process, on 127.0.0.1.
 *
 * @module
 */

import { type Log, NO_LOG } from "../../../src/log.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { newIdentity } from "../../../src/routing/libp2p/identity.ts";
import {
  type Libp2pOptions,
  type Libp2pRouter,
  startLibp2p,
} from "../../../src/routing/libp2p/router.ts";
import type { Peer } from "../../../src/routing/router.ts";
import { eventually } from "../../suites/eventually.ts";
import { smallImage } from "../../suites/image.ts";
import {
  type Cluster,
  type ClusterNode,
  zoneOf,
} from "../../suites/router_suite.ts";

/**
 * js-libp2p's limit of connections a second keeps a timer for a second, which
 * keeps no process alive.
 */
export const LIBP2P = { sanitizeOps: false, sanitizeResources: false };

/** What a test says of a router. */
export interface RouterChoices extends Partial<Libp2pOptions> {
  /** Multiaddresses that bootstrap names. */
  readonly names?: () => readonly string[];
  /** Port of the peer listener that is announced; none: it is not. */
  readonly peerPort?: number;
  readonly log?: Log;
}

/** Starts a router. */
export async function startRouter(
  { names = () => [], peerPort, ...options }: RouterChoices = {},
): Promise<Libp2pRouter> {
  const router = await startLibp2p({
    identity: newIdentity(),
    listen: { host: "127.0.0.1", port: 0 },
    prefix: "/peili/test",
    swarmKey: null,
    bootstrap: {
      kind: "static",
      find: () => Promise.resolve(names()),
    },
    ip: null,
    zone: "",
    log: NO_LOG,
    ...options,
  });
  if (peerPort !== undefined) {
    router.announce({
      host: options.listen?.host ?? "127.0.0.1",
      port: peerPort,
    });
  }
  return router;
}

/** Where a router is. */
export function multiaddrOf({ port }: Libp2pRouter): string {
  return `/ip4/127.0.0.1/tcp/${port}`;
}

/** Waits until all of these know each other, and nobody else. */
export async function knowEachOther(
  routers: readonly Libp2pRouter[],
): Promise<void> {
  const ids = routers.map(({ id }) => id).toSorted().join();
  await eventually(
    "all know each other",
    () =>
      routers.every((router) =>
        router.ready().ready &&
        router.nearest("any", 1_000).map(({ id }) => id).toSorted().join() ===
          ids
      ),
  );
}

/** Makes a cluster for the suite. */
export async function libp2pCluster(
  size: number,
  options: Partial<Libp2pOptions> = {},
): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const routers: Libp2pRouter[] = [];
  const names = () => routers.map(multiaddrOf);
  for (let index = 0; index < size; index++) {
    routers.push(stack.use(
      await startRouter({
        names,
        peerPort: 20_001 + index,
        zone: zoneOf(index),
        ...options,
      }),
    ));
  }
  await knowEachOther(routers);
  const all = stack.move();
  return {
    nodes: routers.map(clusterNode),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A router as the suite knows it. */
export function clusterNode(router: Libp2pRouter): ClusterNode {
  const keysOf = (name: string) => {
    const { manifest, tag } = smallImage(name);
    return [digestOf(manifest), tag];
  };
  return {
    router,
    self: router.self() as Peer,
    async hold(name) {
      await router.advertise(keysOf(name));
      return keysOf(name);
    },
    drop: (name) => router.withdraw(keysOf(name)),
    die: async () => await router[Symbol.asyncDispose](),
  };
}
