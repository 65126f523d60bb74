/**
 * Waiting for what may never come.
 *
 * @module
 */

/**
 * Waits for a promise, or until a signal aborts.
 *
 * @param promise Goes on by itself when the wait ends early
 * @param signal Ends the wait
 * @returns The promise's value
 * @throws {unknown} The signal's reason, or what the promise rejects with
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
