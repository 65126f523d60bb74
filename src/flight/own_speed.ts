/**
 * How fast this node gets bytes, of all its flights.
 *
 * @module
 */

import { newPace, nextPace } from "./pace.ts";

/** What a node knows of its own link; rates in bytes a second. */
export interface OwnSpeed {
  /** Bytes came, from whomever. */
  got(bytes: number): void;
  /** Takes what one source gives while it has some, and returns it. */
  saw(link: number): number;
  /** What it gets of all flights together; 0 while unknown. */
  inflow(): number;
  /** What the best of its sources gave lately; 0 while unknown. */
  best(): number;
}

/** Milliseconds for which the best source says how fast this node's link is. */
const BEST_MS = 60_000;

/**
 * Begins to measure.
 *
 * @param now Milliseconds of a clock that does not go back
 * @returns What is known, nothing yet
 */
export function ownSpeed(now: () => number): OwnSpeed {
  let bytesGot = 0;
  let pace = newPace(bytesGot, now());
  let best = { link: 0, at: -Infinity };
  return {
    got: (bytes) => void (bytesGot += Math.max(0, bytes)),
    saw(link) {
      const isBest = link >= best.link || now() - best.at > BEST_MS;
      if (isBest) best = { link, at: now() };
      return link;
    },
    inflow() {
      pace = nextPace(pace, bytesGot, now());
      return Math.round(1_000 * (pace.rate ?? 0));
    },
    best: () => best.link,
  };
}
