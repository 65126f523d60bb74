/**
 * Waiting between tries: a sleep that can be ended, and delays that grow.
 *
 * @module
 */

/** How the delays of {@linkcode backoff} grow. */
export interface BackoffOptions {
  /** First delay in milliseconds. */
  readonly initialMs: number;
  /** No delay is longer, in milliseconds. */
  readonly maxMs: number;
  /**
   * Where between half and the whole of a delay it falls, 0 to 1: nodes that
   * failed together must not come back together.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** Delays that double up to a maximum. */
export interface Backoff {
  /** Takes the next delay in milliseconds. */
  next(): number;
  /** Begins again at the first delay; call it after a success. */
  reset(): void;
}

/**
 * Makes a series of growing delays.
 *
 * @param options Where it begins and ends
 * @returns The series, at its beginning
 */
export function backoff(options: BackoffOptions): Backoff {
  const { initialMs, maxMs, random = Math.random } = options;
  let ms = initialMs;
  return {
    next() {
      const whole = ms;
      ms = Math.min(ms * 2, maxMs);
      return whole / 2 + whole / 2 * random();
    },
    reset: () => void (ms = initialMs),
  };
}

/**
 * Waits.
 *
 * @param ms Milliseconds to wait
 * @param signal Ends the wait early
 * @returns When the time is over or the signal aborted: the caller looks at the
 * signal, and a loop that ends with it needs no try
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
