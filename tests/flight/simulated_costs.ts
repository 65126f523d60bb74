/**
 * What the flights of a simulated cluster cost.
 *
 * @module
 */

import type { Digest } from "../../src/oci/digest.ts";
import type { Flown } from "./simulated_plan.ts";
import { BYTES } from "./simulated_pull.ts";

/** Counts what goes upstream, and why it may. */
export interface Costs {
  /** A node goes upstream, because it is to lead or by itself. */
  start(digest: Digest, why: "lead" | "alone"): void;
  /** The registry sends bytes. */
  send(digest: Digest, bytes: number): void;
  /** A misfortune may cost so many copies of one, or of each; 1 when left out. */
  excuse(only?: Digest | null, copies?: number): void;
  /** All of it; `more` are excuses that are counted elsewhere. */
  flown(more: ReadonlyMap<Digest, number>): Flown[];
}

/** Makes counts of some digests. */
export function costs(digests: readonly Digest[]): Costs {
  const all = new Map(
    digests.map((digest) => [
      digest,
      { lead: 0, alone: 0, bytes: 0, excuses: 0 },
    ]),
  );
  const of = (digest: Digest) => {
    const found = all.get(digest);
    if (found) return found;
    throw new Error(`Cannot count ${digest}: nobody pulls it`);
  };
  return {
    start: (digest, why) => void of(digest)[why]++,
    send: (digest, bytes) => void (of(digest).bytes += bytes),
    excuse(only, copies = 1) {
      for (const digest of only ? [only] : digests) {
        of(digest).excuses += copies;
      }
    },
    flown: (more) =>
      all.entries().map(([digest, { lead, alone, bytes, excuses }]) => ({
        leads: lead,
        alone,
        copies: bytes / BYTES,
        excuses: excuses + (more.get(digest) ?? 0),
      })).toArray(),
  };
}
