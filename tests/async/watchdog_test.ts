/**
 * Watching what moves.
 *
 * @module
 */

import assert from "node:assert/strict";
import { watchdog } from "../../src/async/watchdog.ts";

const NEVER = new AbortController().signal;

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

Deno.test("watchdog() aborts what stands still, and says for how long", async () => {
  using dog = watchdog(NEVER, 5);
  const reason = await aborted(dog.signal);
  assert.ok(reason instanceof DOMException);
  assert.deepEqual(
    [reason.name, reason.message],
    ["TimeoutError", "no answer within 5 ms"],
  );
});

Deno.test("watchdog() begins anew with each move", async () => {
  const begun = performance.now();
  using dog = watchdog(NEVER, 40);
  let moves = 0;
  let movedAt = begun;
  const timer = setInterval(() => {
    if (++moves > 5) return;
    dog.moved();
    movedAt = performance.now();
  }, 10);
  await aborted(dog.signal);
  clearInterval(timer);
  // A timer may be late on a busy machine, but never early.
  assert.ok(performance.now() - movedAt >= 39);
});

Deno.test("watchdog() ends with its parent, and when it is disposed of", () => {
  const parent = new AbortController();
  using dog = watchdog(parent.signal, 60_000);
  parent.abort("enough");
  assert.equal(dog.signal.reason, "enough");
  const other = watchdog(NEVER, 60_000);
  other[Symbol.dispose]();
  assert.ok(other.signal.aborted);
});
