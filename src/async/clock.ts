/**
 * Time as a part needs it, so that a test can let it pass.
 *
 * @module
 */

import { sleep } from "./backoff.ts";

/** What a part needs of time. */
export interface Clock {
  /** Milliseconds; it does not go back. */
  now(): number;
  /** Waits; it ends early when the signal aborts, and does not reject. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The time that passes. */
export const REAL_CLOCK: Clock = { now: () => performance.now(), sleep };
