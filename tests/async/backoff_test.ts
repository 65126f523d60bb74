/**
 * Delays that grow and sleeps that end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { backoff, sleep } from "../../src/async/backoff.ts";
import { watchedSignal } from "../suites/watched_signal.ts";

const LIMITS = { initialMs: 100, maxMs: 500 };

Deno.test("backoff() doubles up to its maximum", () => {
  const delays = backoff({ ...LIMITS, random: () => 1 });
  const taken = Array.from({ length: 5 }, () => delays.next());
  assert.deepEqual(taken, [100, 200, 400, 500, 500]);
});

Deno.test("backoff() never falls below half of a delay", () => {
  const delays = backoff({ ...LIMITS, random: () => 0 });
  const taken = Array.from({ length: 5 }, () => delays.next());
  assert.deepEqual(taken, [50, 100, 200, 250, 250]);
});

Deno.test("backoff() begins again after reset()", () => {
  const delays = backoff({ ...LIMITS, random: () => 1 });
  delays.next();
  delays.next();
  delays.reset();
  assert.equal(delays.next(), 100);
});

Deno.test("backoff() spreads delays when nobody says how", () => {
  const first = Array.from({ length: 50 }, () => backoff(LIMITS).next());
  assert.ok(first.every((ms) => ms >= 50 && ms <= 100));
  assert.ok(new Set(first).size > 1);
});

Deno.test("sleep() ends when the time is over, and listens no more", async () => {
  const { signal, listeners } = watchedSignal(new AbortController());
  const sleeping = sleep(1, signal);
  assert.equal(listeners.size, 1);
  await sleeping;
  assert.equal(listeners.size, 0);
});

Deno.test("sleep() ends at once when its signal aborts, without an error", async () => {
  const ended = new AbortController();
  const sleeping = sleep(1e9, ended.signal);
  ended.abort();
  await sleeping; // A timer that stays would be a leak.
});

Deno.test("sleep() does not begin when its signal has aborted", async () => {
  await sleep(1e9, AbortSignal.abort());
});
