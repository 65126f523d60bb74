/**
 * Work that runs beside the rest until it is disposed of.
 *
 * @module
 */

/**
 * Starts work.
 *
 * @param work Runs until its signal aborts; a rejection before that is a bug
 * and ends the process as any unhandled rejection does
 * @returns Disposing it aborts the signal and waits for the work to end
 */
export function inBackground(
  work: (signal: AbortSignal) => Promise<void>,
): AsyncDisposable {
  const controller = new AbortController();
  const running = work(controller.signal);
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}
