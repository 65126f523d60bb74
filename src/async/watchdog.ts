/**
 * A signal that aborts when nothing has happened for a while, or with its
 * parent.
 *
 * @module
 */

import { abortScope } from "./abort_scope.ts";
import { timeoutError } from "./deadline.ts";

/** Watches what goes on as long as it moves. */
export interface Watchdog extends Disposable {
  /** Aborts with a TimeoutError after a time without {@linkcode moved}. */
  readonly signal: AbortSignal;
  /** Something happened: the time begins again. */
  moved(): void;
}

/**
 * Starts watching.
 *
 * @param parent Ends it early; its reason is passed on
 * @param ms Milliseconds without a move until the signal aborts
 * @returns The watchdog; disposing it aborts what still runs
 */
export function watchdog(parent: AbortSignal, ms: number): Watchdog {
  const scope = abortScope(parent);
  let movedAt = performance.now();
  let timer = setTimeout(look, ms);

  // One timer for all moves: there are thousands of them a second.
  function look(): void {
    const left = movedAt + ms - performance.now();
    if (left > 0) timer = setTimeout(look, left);
    else scope.abort(timeoutError(ms));
  }

  return {
    signal: scope.signal,
    moved: () => void (movedAt = performance.now()),
    [Symbol.dispose]() {
      clearTimeout(timer);
      scope[Symbol.dispose]();
    },
  };
}
