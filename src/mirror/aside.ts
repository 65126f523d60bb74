/**
 * Peers that are set aside for a while, as a whole or for one digest.
 *
 * @module
 */

import { boundedMap } from "../async/bounded_map.ts";
import type { Digest } from "../oci/digest.ts";

/** Who is not to be asked now. */
export interface Aside {
  /** Sets a peer aside for one digest. */
  put(address: string, digest: Digest, ms: number): void;
  /** Tells whether a peer is aside for a digest. */
  has(address: string, digest: Digest): boolean;
}

/** Entries at most; a node that set so many aside has no good peer anyway. */
const MAX_ENTRIES = 10_000;

/**
 * Makes an empty list.
 *
 * @param now Milliseconds of a clock that does not go back
 * @returns The list, bounded
 */
export function aside(now: () => number = () => performance.now()): Aside {
  const until = boundedMap<string, number>(MAX_ENTRIES);
  const end = (key: string) => until.get(key) ?? -Infinity;
  return {
    put(address, digest, ms) {
      const key = `${digest} ${address}`;
      // What is aside for longer, for wrong bytes, stays so.
      until.set(key, Math.max(end(key), now() + ms));
    },
    has: (address, digest) => end(`${digest} ${address}`) > now(),
  };
}
