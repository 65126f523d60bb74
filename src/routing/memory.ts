/**
 * Routers of one process that know each other: for tests and examples.
 *
 * @module
 */

import { byRendezvous } from "./rendezvous.ts";
import type { Peer, Router } from "./router.ts";

/** A cluster without a network. */
export interface MemoryNetwork {
  /** Adds a peer and returns its router. */
  join(peer: Peer): Router;
  /** Takes a peer away with all that it advertised. */
  leave(peer: Peer): void;
}

/**
 * Makes a cluster without a network.
 *
 * @returns The cluster, empty
 */
export function memoryNetwork(): MemoryNetwork {
  const members = new Map<string, { peer: Peer; keys: Set<string> }>();
  const away = (self: Peer, { zone = "" }: Peer) =>
    Number(zone !== (self.zone ?? ""));
  return {
    join(self) {
      const keys = new Set<string>();
      members.set(self.id, { peer: self, keys });
      return {
        ready: () =>
          members.has(self.id)
            ? { ready: true }
            : { ready: false, reason: "left the network" },
        async *lookup(key, { signal }) {
          const all = [...members.values()].sort((a, b) =>
            away(self, a.peer) - away(self, b.peer)
          );
          for (const { peer, keys } of all) {
            if (signal.aborted) return;
            if (peer.id !== self.id && keys.has(key)) yield peer;
          }
        },
        self: () => self,
        nearest: (key, count) =>
          byRendezvous(
            key,
            members.values().map(({ peer }) => peer),
            (peer) => peer.id,
          ).slice(0, count),
        advertise(added) {
          added.forEach((key) => keys.add(key));
          return Promise.resolve();
        },
        withdraw(gone) {
          gone.forEach((key) => keys.delete(key));
          return Promise.resolve();
        },
        forget: (key, peer) => void members.get(peer.id)?.keys.delete(key),
      };
    },
    leave: (peer) => void members.delete(peer.id),
  };
}
