/**
 * A signal that counts who listens: what listens for ever is a leak that no
 * sanitizer sees.
 *
 * @module
 */

/** A signal and its listeners. */
export interface WatchedSignal {
  /** The controller's own signal. */
  readonly signal: AbortSignal;
  /** Who listens now. */
  readonly listeners: ReadonlySet<unknown>;
}

/**
 * Watches the signal of a controller.
 *
 * @param controller Whose signal it is
 * @returns The signal and its listeners
 */
export function watchedSignal(controller: AbortController): WatchedSignal {
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.add(args[1]);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    remove(...args);
  };
  return { signal, listeners };
}
