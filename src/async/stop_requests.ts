/**
 * Asking a process to end: once kindly, and again in a hurry.
 *
 * @module
 */

/** What is done when somebody asks. */
export interface StopRequestsOptions {
  /** Ends what runs, and lets it tidy up. */
  readonly stop: () => void;
  /** Ends the process now. */
  readonly hurry: () => void;
  /**
   * Milliseconds; they do not go back.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/**
 * Milliseconds in which a second request is the first one again: a terminal sends
 * Ctrl-C to all its processes, and `deno task` passes it on to the one that it
 * runs, which hears it twice within a few milliseconds.
 */
const SAME_MS = 500;

/**
 * Makes the listener for the signals that ask a process to end.
 *
 * @param options What is done
 * @returns The listener, to be called at each signal
 */
export function stopRequests(
  { stop, hurry, now = () => performance.now() }: StopRequestsOptions,
): () => void {
  let askedAt: number | null = null;
  return () => {
    if (askedAt === null) {
      askedAt = now();
      stop();
    } else if (now() - askedAt >= SAME_MS) hurry();
  };
}
