/**
 * How fast a node gets content, by what it tells of itself.
 *
 * @module
 */

/** The pace of one pull. */
export interface Pace {
  /** Bytes a ms over the last span; null until one is over. */
  readonly rate: number | null;
  /** Bytes at which the present span began. */
  readonly offset: number;
  /** When it began, in ms. */
  readonly since: number;
}

/**
 * Milliseconds of a span. containerd writes 1 MiB at a time, which at 5 Mbit/s
 * is every 1.7 s: a shorter span would take a step for a pace.
 */
const SPAN_MS = 2_000;

/**
 * Begins to measure.
 *
 * @param offset Bytes that the node has
 * @param now Milliseconds
 * @returns A pace that is not known yet
 */
export function newPace(offset: number, now: number): Pace {
  return { rate: null, offset, since: now };
}

/**
 * Goes on measuring.
 *
 * @param pace The pace so far
 * @param offset Bytes that the node has now
 * @param now Milliseconds
 * @returns The pace, of a new span when one is over
 */
export function nextPace(pace: Pace, offset: number, now: number): Pace {
  if (now - pace.since < SPAN_MS) return pace;
  return { rate: rateSince(pace, offset, now), offset, since: now };
}

/** A pull that is over after so long, in ms, was too short to tell its pace. */
const SHORT_MS = 500;

/**
 * Tells how fast a pull was that is over.
 *
 * @param pace The pace so far
 * @param total Bytes that the node has now
 * @param now Milliseconds
 * @returns Bytes a ms; 0 when it was too short to tell
 */
export function lastRate(pace: Pace, total: number, now: number): number {
  if (pace.rate !== null) return pace.rate;
  return now - pace.since < SHORT_MS ? 0 : rateSince(pace, total, now);
}

function rateSince(pace: Pace, offset: number, now: number): number {
  return Math.max(0, offset - pace.offset) / (now - pace.since);
}

/** One that gets less than the fastest divided by this is slow. */
const SLOW_FACTOR = 2;

/**
 * Tells whether a pace is slow beside another.
 *
 * @param pace The pace
 * @param fastest Bytes a ms of the fastest
 * @returns False too while the pace is not known
 */
export function isSlow({ rate }: Pace, fastest: number): boolean {
  return rate !== null && rate * SLOW_FACTOR < fastest;
}
