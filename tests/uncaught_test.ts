/** @module */

import assert from "node:assert/strict";
import { metricsRegistry } from "../src/metrics/metrics.ts";
import { surviveUncaught } from "../src/uncaught.ts";
import { program } from "./program.ts";
import { recordedLog } from "./suites/recorded_log.ts";

/** A target, and what is told of what it was told. */
function survivor() {
  const { log, lines } = recordedLog();
  const target = new EventTarget();
  const metrics = metricsRegistry();
  const end = surviveUncaught({ log, metrics, target });
  return { target, lines, metrics, end };
}

function rejection(reason: unknown): PromiseRejectionEvent {
  const promise = Promise.resolve();
  const init = { promise, reason, cancelable: true };
  return new PromiseRejectionEvent("unhandledrejection", init);
}

Deno.test("surviveUncaught() prevents the end, counts and says what was thrown", async () => {
  const { target, lines, metrics, end } = survivor();
  using _end = end;
  const error = new ErrorEvent("error", {
    error: new TypeError("odd"),
    cancelable: true,
  });
  for (const event of [rejection(null), error]) target.dispatchEvent(event);
  assert.ok(error.defaultPrevented);
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.kind, fields.error]),
    [["error", "rejection", "null"], ["error", "exception", "odd"]],
  );
  assert.match(String(lines[1]?.fields.stack), /uncaught_test/);
  const text = await metrics.text();
  assert.match(text, /peili_uncaught_errors_total\{kind="rejection"\} 1/);
  assert.match(text, /peili_uncaught_errors_total\{kind="exception"\} 1/);
});

Deno.test("surviveUncaught() counts each, and says what comes often only now and then", async () => {
  const { target, lines, metrics, end } = survivor();
  using _end = end;
  for (let i = 0; i < 100; i++) target.dispatchEvent(rejection(null));
  assert.ok(lines.length < 100);
  assert.match(await metrics.text(), /\{kind="rejection"\} 100/);
});

Deno.test("surviveUncaught() survives nothing once it is disposed of", () => {
  const { target, lines, end } = survivor();
  end[Symbol.dispose]();
  const event = rejection(null);
  target.dispatchEvent(event);
  assert.ok(!event.defaultPrevented);
  assert.deepEqual(lines, []);
});

const SCRIPT = `
import { NO_LOG } from "./src/log.ts";
import { NO_METRICS } from "./src/metrics/metrics.ts";
import { surviveUncaught } from "./src/uncaught.ts";
using _end = surviveUncaught({ log: NO_LOG, metrics: NO_METRICS });
Promise.reject(null);
const target = new EventTarget();
target.addEventListener("x", () => { throw null; });
target.dispatchEvent(new Event("x"));
setTimeout(() => { throw null; });
await new Promise((resolve) => setTimeout(resolve, 50));
console.log("alive");
`;

Deno.test("surviveUncaught() keeps a process alive that throws null", async () => {
  const { code, stdout, stderr } = await program([], {
    permissions: ["--allow-env=PEILI_*"],
    script: SCRIPT,
  });
  assert.deepEqual([code, stdout], [0, "alive\n"], stderr);
});
