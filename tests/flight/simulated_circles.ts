/**
 * For how long nodes of a simulated cluster take from each other in a circle.
 *
 * @module
 */

import type { Digest } from "../../src/oci/digest.ts";
import { isInCircle, type Node, TICK_MS } from "./simulated_pull.ts";

/** Measures circles; it is told of every tick. */
export interface Circles {
  /** The longest time of one so far, in ms. */
  readonly longestMs: number;
  /** Looks at all nodes now. */
  watch(nodes: readonly Node[], digest: Digest, now: number): void;
}

/** Makes a measure that has seen none. */
export function circles(): Circles {
  const since = new Map<string, number>();
  let longestMs = 0;
  return {
    get longestMs() {
      return longestMs;
    },
    watch(nodes, digest, now) {
      for (const node of nodes) {
        const key = `${node.station.address} ${digest}`;
        if (!isInCircle(node, digest)) {
          since.delete(key);
          continue;
        }
        const begin = since.get(key) ?? now - TICK_MS;
        since.set(key, begin);
        longestMs = Math.max(longestMs, now - begin);
      }
    },
  };
}
