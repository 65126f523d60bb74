/**
 * A signal for what is begun in a scope.
 *
 * @module
 */

/** Aborts at its end, with its parent, or when told to. */
export interface AbortScope extends Disposable {
  /** For what is begun in the scope. */
  readonly signal: AbortSignal;
  /** Ends it early, with a reason when there is one to tell. */
  abort(reason?: unknown): void;
}

/**
 * Opens a scope.
 *
 * @param parent Ends the scope; its reason is passed on
 * @returns The scope; disposing it aborts what still runs
 */
export function abortScope(parent: AbortSignal): AbortScope {
  const controller = new AbortController();
  const onParent = () => controller.abort(parent.reason);
  if (parent.aborted) onParent();
  else parent.addEventListener("abort", onParent, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      parent.removeEventListener("abort", onParent);
      controller.abort();
    },
  };
}
