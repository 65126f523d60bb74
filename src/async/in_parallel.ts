/**
 * A list of work, some of it at a time.
 *
 * @module
 */

import { abortScope } from "./abort_scope.ts";

/** How {@linkcode inParallel} goes about it. */
export interface InParallelOptions {
  /** So many run at once, at most. */
  readonly limit: number;
  /** Ends all. */
  readonly signal: AbortSignal;
}

/**
 * Works through a list in its order.
 *
 * @param items The list
 * @param work Does one; its signal aborts when another has failed
 * @param options How many at once
 * @throws What the first that failed threw, when all that ran have ended
 */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<void>,
  { limit, signal }: InParallelOptions,
): Promise<void> {
  using scope = abortScope(signal);
  const left = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of left) {
      if (scope.signal.aborted) return;
      try {
        await work(item, scope.signal);
      } catch (error) {
        failures.push(error);
        scope.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}
