/**
 * A rate that several share: what a network cable is to all who pull through it.
 *
 * @module
 */

import { sleep } from "../src/async/backoff.ts";

/** Lets bytes pass, so many a second. */
export interface Rate {
  /** Waits until these bytes may pass; ended early when the signal aborts. */
  pass(bytes: number, signal: AbortSignal): Promise<void>;
}

/**
 * Milliseconds by which bytes may pass too early: timers are that coarse, and
 * thousands of them a second are none for free.
 */
const SLACK_MS = 10;

/**
 * Makes a rate.
 *
 * @param bytesPerSecond For all together
 * @param now Milliseconds of a clock that does not go back
 * @returns The rate
 */
export function sharedRate(
  bytesPerSecond: number,
  now: () => number = () => performance.now(),
): Rate {
  let freeAt = now();
  return {
    async pass(bytes, signal) {
      // What was not used in a quiet moment is lost, as on a cable.
      freeAt = Math.max(freeAt, now()) + bytes / bytesPerSecond * 1_000;
      const early = freeAt - now();
      if (early > SLACK_MS) await sleep(early - SLACK_MS / 2, signal);
    },
  };
}
