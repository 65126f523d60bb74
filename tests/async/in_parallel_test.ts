/**
 * Lists of work: how many at once, in which order, and how they end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inParallel } from "../../src/async/in_parallel.ts";

const NEVER = new AbortController().signal;

Deno.test("inParallel() begins in order and runs no more at once than it may", async () => {
  const begun: number[] = [];
  const gates = [1, 2, 3, 4, 5].map(() => Promise.withResolvers<void>());
  const all = inParallel([0, 1, 2, 3, 4], (item) => {
    begun.push(item);
    return gates[item]?.promise ?? Promise.resolve();
  }, { limit: 2, signal: NEVER });
  assert.deepEqual(begun, [0, 1]);
  gates[1]?.resolve();
  await gates[1]?.promise;
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1, 2]);
  gates.forEach(({ resolve }) => resolve());
  await all;
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

Deno.test("inParallel() ends the others when one fails, and waits for them", async () => {
  const failure = new Error("no");
  const ended: unknown[] = [];
  await assert.rejects(
    inParallel([0, 1, 2], (item, signal) => {
      if (item === 1) return Promise.reject(failure);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          ended.push(signal.reason);
          reject(signal.reason);
        });
      });
    }, { limit: 2, signal: NEVER }),
    failure,
  );
  assert.deepEqual(ended, [failure]); // The third never began.
});

Deno.test("inParallel() does nothing once it is ended", async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(
    inParallel([1], () => assert.fail("it began"), { limit: 1, signal }),
    { name: "AbortError" },
  );
});
