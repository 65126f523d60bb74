/**
 * Waits that end early.
 *
 * @module
 */

import assert from "node:assert/strict";
import { unlessAborted } from "../../src/async/unless_aborted.ts";

Deno.test("unlessAborted() gives the value, or the error", async () => {
  const { signal } = new AbortController();
  assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
  const failing = Promise.reject(new Error("no"));
  await assert.rejects(unlessAborted(failing, signal), { message: "no" });
});

Deno.test("unlessAborted() ends with the signal's reason, and minds no late error", async () => {
  const end = new AbortController();
  const late = Promise.withResolvers<void>();
  const waiting = unlessAborted(late.promise, end.signal);
  end.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  late.reject(new Error("late"));
  await Promise.resolve();
});

Deno.test("unlessAborted() does not wait when it is over already", async () => {
  const signal = AbortSignal.abort(new Error("over"));
  const { promise } = Promise.withResolvers<void>();
  await assert.rejects(unlessAborted(promise, signal), { message: "over" });
});
