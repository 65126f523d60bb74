/**
 * How fast a source gives what it has, whatever it waits for itself.
 *
 * @module
 */

/** Measures one source. */
export interface LinkGauge {
  /** Takes that so many bytes came after a wait of so many ms. */
  add(bytes: number, waitedMs: number): void;
  /** Bytes a second; 0 while too few came. */
  rate(): number;
}

/**
 * Bytes of one measurement: containerd writes what it pulls in such steps, so
 * there is one pause in each, in which the source itself has nothing.
 */
const STEP_BYTES = 1 << 20;

/** Measurements of which the best counts: a pause may fall into two of them. */
const STEPS = 4;

/** A wait too short to be measured, in ms. */
const LEAST_MS = 0.1;

/**
 * Makes a gauge.
 *
 * @returns A gauge that knows nothing
 */
export function linkGauge(): LinkGauge {
  const rates: number[] = [];
  let sum = 0;
  let ms = 0;
  let longest = 0;
  return {
    add(bytes, waitedMs) {
      sum += bytes;
      ms += waitedMs;
      longest = Math.max(longest, waitedMs);
      if (sum < STEP_BYTES) return;
      rates.push(1_000 * sum / Math.max(LEAST_MS, ms - longest));
      if (rates.length > STEPS) rates.shift();
      sum = ms = longest = 0;
    },
    rate: () => Math.round(Math.max(0, ...rates)),
  };
}
