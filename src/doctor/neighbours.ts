/**
 * Which other nodes there may be: those of the list, or those that bootstrap
 * names.
 *
 * @module
 */

import { formatAddress, type ListenAddress } from "../listen.ts";
import {
  bootstrapOf,
  type DiscoveryKind,
  kindOf,
  type KindOptions,
} from "../routing/bootstrap/kinds.ts";
import { splitId } from "../routing/bootstrap/multiaddr.ts";
import { isHere } from "./mirrors.ts";

/** What tells of other nodes. */
export interface NeighbourOptions extends KindOptions {
  /** Where other nodes ask; theirs has the same port. */
  readonly peerAddr: ListenAddress;
  /** Where the router listens; theirs has the same port, where none is named. */
  readonly routerAddr: ListenAddress;
}

/** Names routers, as a bootstrap does. */
export type FindRouters = (
  options: NeighbourOptions,
  signal: AbortSignal,
) => Promise<readonly string[]>;

/** Asks the bootstrap that the options name. */
export const findRouters: FindRouters = async (options, signal) => {
  const bootstrapKind = kindOf(options);
  if (bootstrapKind === null || bootstrapKind === "static-peers") return [];
  const { routerAddr: { port } } = options;
  return await bootstrapOf({ ...options, bootstrapKind }, port).find(signal);
};

/**
 * Nodes that are asked, of a thousand that may be named: what keeps a node from
 * all is seen at each.
 */
const MAX_ASKED = 8;

/**
 * Tells which routers a check may ask.
 *
 * @param named By bootstrap
 * @param addresses This node's
 * @returns Some of the others, as multiaddresses
 */
export function othersOf(
  named: readonly string[],
  addresses: readonly string[],
): string[] {
  return named.filter((multiaddr) => !isHere(hostOf(multiaddr), addresses))
    .slice(0, MAX_ASKED);
}

/**
 * Tells where peer listeners are, or where they would be if all have one port.
 *
 * @param kind How nodes find each other; null: this one is told of no other
 * @param options The list, and the port
 * @param others Routers of others
 * @returns `host:port` of each
 */
export function peersOf(
  kind: DiscoveryKind | null,
  { staticPeers, peerAddr: { port } }: NeighbourOptions,
  others: readonly string[],
): readonly string[] {
  if (kind === "static-peers") return staticPeers;
  const hosts = new Set(others.map(hostOf));
  return [...hosts].map((hostname) => formatAddress({ hostname, port }));
}

/**
 * Reads the host of a multiaddress.
 *
 * @param multiaddr As `parseMultiaddr()` gives it
 * @returns An IP, or a name
 */
export function hostOf(multiaddr: string): string {
  return splitId(multiaddr)[0].split("/")[2] ?? "";
}
