/**
 * The last resort against what nobody caught: a node serves on.
 *
 * @module
 */

import { rarely } from "./async/rarely.ts";
import { describeError, type Log } from "./log.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** Who hears of it. */
export interface UncaughtDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * Where it is told.
   *
   * @default {globalThis}
   */
  readonly target?: EventTarget;
}

/** Milliseconds in which one kind is logged once; each is counted. */
const LOG_EVERY_MS = 1_000;

/**
 * Keeps the process alive when a promise rejects that nobody waits for, or when
 * a listener of an event throws: Deno ends it then. Packages do both when a peer
 * goes away at the wrong moment, and a pull through this node must not notice.
 * Each is a bug all the same, so it is logged as an error, and counted.
 *
 * @param deps Log and metrics
 * @returns What ends it
 */
export function surviveUncaught(deps: UncaughtDeps): Disposable {
  const { log, metrics, target = globalThis } = deps;
  const saying = rarely<string>({ everyMs: LOG_EVERY_MS });

  function survive(kind: string, error: unknown): void {
    metrics.count("peili_uncaught_errors_total", { kind });
    const unsaid = saying(kind);
    if (unsaid === null) return;
    // Anything can be thrown, null as well; who threw it is all that helps.
    const stack = error instanceof Error ? error.stack : null;
    const shown = describeError(error);
    log.error("nobody caught an error", { kind, error: shown, stack, unsaid });
  }

  const onRejection: EventListener = (event) => {
    event.preventDefault();
    survive("rejection", (event as PromiseRejectionEvent).reason);
  };
  const onError: EventListener = (event) => {
    event.preventDefault();
    survive("exception", (event as ErrorEvent).error);
  };
  target.addEventListener("unhandledrejection", onRejection);
  target.addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      target.removeEventListener("unhandledrejection", onRejection);
      target.removeEventListener("error", onError);
    },
  };
}
