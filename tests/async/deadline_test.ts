/**
 * Deadlines that leave nothing behind; the leak sanitizer watches the timers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { deadline, timeoutError } from "../../src/async/deadline.ts";
import { watchedSignal } from "../suites/watched_signal.ts";

const NEVER_MS = 1e9;

Deno.test("deadline() aborts with a TimeoutError when time is up", async () => {
  using limit = deadline(new AbortController().signal, 1);
  await new Promise((resolve) =>
    limit.signal.addEventListener("abort", resolve)
  );
  assert.equal(limit.signal.reason.name, "TimeoutError");
});

Deno.test("deadline() aborts with its parent and for the parent's reason", () => {
  const parent = new AbortController();
  using limit = deadline(parent.signal, NEVER_MS);
  assert.ok(!limit.signal.aborted);
  parent.abort("enough");
  assert.equal(limit.signal.reason, "enough");
});

Deno.test("deadline() has aborted when its parent has", () => {
  using limit = deadline(AbortSignal.abort("before"), NEVER_MS);
  assert.equal(limit.signal.reason, "before");
});

Deno.test("deadline() does not abort once disposed, and listens no more", () => {
  const parent = new AbortController();
  const { signal, listeners } = watchedSignal(parent);
  const limit = deadline(signal, NEVER_MS);
  assert.equal(listeners.size, 1);
  limit[Symbol.dispose]();
  assert.equal(listeners.size, 0);
  parent.abort();
  assert.ok(!limit.signal.aborted);
});

Deno.test("deadline() does not abort its parent", async () => {
  const parent = new AbortController();
  using limit = deadline(parent.signal, 1);
  await new Promise((resolve) =>
    limit.signal.addEventListener("abort", resolve)
  );
  assert.ok(!parent.signal.aborted);
});

Deno.test("timeoutError() says how long was waited", () => {
  const error = timeoutError(250);
  assert.equal(error.name, "TimeoutError");
  assert.match(error.message, /250 ms/);
});
