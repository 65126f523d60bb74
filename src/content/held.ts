/**
 * A source whose questions wait at the start until it can know the answers.
 *
 * @module
 */

import { type Clock, REAL_CLOCK } from "../async/clock.ts";
import type { ContentSource } from "./source.ts";

/** How long questions wait. */
export interface HoldOptions {
  /** Tells whether the source knows enough to answer. */
  readonly isAble: () => boolean;
  /** Time of the clock after which nobody waits any more, in ms. */
  readonly until: number;
  /**
   * Time.
   *
   * @default {The real time}
   */
  readonly clock?: Clock;
}

/** Milliseconds between two looks: little beside what a node takes to start. */
const LOOK_MS = 20;

/**
 * Questions that wait at most: containerd has 3 under way for an image. Whoever
 * comes beyond is answered at once.
 */
const MAX_HELD = 256;

/**
 * Holds questions back until a source is able to answer, once: from then on, or
 * when the time is up, nobody waits again, whatever becomes of the source.
 *
 * @param source What is asked
 * @param options When it is able, and how long that is waited for
 * @returns The source, which answers later at first
 */
export function held(
  source: ContentSource,
  { isAble, until, clock = REAL_CLOCK }: HoldOptions,
): ContentSource {
  let open = false;
  let waiting = 0;
  const isOpen = () => open ||= isAble() || clock.now() >= until;

  async function pass(signal: AbortSignal): Promise<void> {
    if (isOpen() || waiting >= MAX_HELD) return;
    waiting++;
    while (!isOpen() && !signal.aborted) await clock.sleep(LOOK_MS, signal);
    waiting--;
  }

  return {
    async resolve(reference, options) {
      await pass(options.signal);
      return await source.resolve(reference, options);
    },
    async stat(request, options) {
      await pass(options.signal);
      return await source.stat(request, options);
    },
    async open(request, options) {
      await pass(options.signal);
      return await source.open(request, options);
    },
  };
}
