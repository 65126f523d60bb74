/**
 * Rendezvous hashing: every node that knows the same peers puts them in the
 * same order for a key, and one peer more or less moves only its own share.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * Orders peers by how near they are to a key.
 *
 * @param key Any text
 * @param peers What is ordered
 * @param name Text of a peer that every node has the same
 * @returns A new array, nearest first
 */
export function byRendezvous<P>(
  key: string,
  peers: Iterable<P>,
  name: (peer: P) => string,
): P[] {
  return Array.from(peers, (peer) => ({ peer, weight: weigh(key, name(peer)) }))
    .sort((a, b) => Buffer.compare(a.weight, b.weight))
    .map(({ peer }) => peer);
}

function weigh(key: string, name: string): Buffer {
  // A separator that neither a key nor an address can hold.
  return createHash("sha256").update(`${key}\n${name}`).digest();
}
