/**
 * A listener without a socket: what `Deno.serve` would call, with a log and
 * metrics to look at.
 *
 * @module
 */

import type { Handler } from "../../src/registry/exchange.ts";
import { observed, type ObserveDeps } from "../../src/registry/observe.ts";
import {
  type RecordedLog,
  recordedLog,
  type RecordedMetrics,
  recordedMetrics,
} from "../recorded.ts";

/** What a test's listener can be asked. */
export interface Listener {
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  /** Asks for a path and hands the answer over unread. */
  ask(method: string, path: string, init?: RequestInit): Promise<Response>;
}

/** Where the requests of tests come from. */
export const CLIENT_IP = "10.0.0.9";

/** Makes the listener of a handler. */
export function listener(
  name: string,
  handler: Handler,
  deps: Pick<ObserveDeps, "begin" | "maxBodies"> = {},
): Listener {
  const log = recordedLog();
  const metrics = recordedMetrics();
  const serve = observed(name, handler, { ...deps, log, metrics });
  return {
    log,
    metrics,
    ask: (method, path, init) =>
      serve(new Request(`http://node${path}`, { ...init, method }), {
        remoteAddr: { transport: "tcp", hostname: CLIENT_IP, port: 40_000 },
        completed: Promise.resolve(),
      }),
  };
}
