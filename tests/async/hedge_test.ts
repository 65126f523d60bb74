/**
 * Races of tries, step by step. `hedge_random_test.ts` has races by chance.
 *
 * @module
 */

import assert from "node:assert/strict";
import { hedge, type HedgeOptions } from "../../src/async/hedge.ts";
import { eventually } from "../suites/eventually.ts";

const NEVER_MS = 1e9;

/** Waits for nothing but failures, and has time. */
const PATIENT: Omit<HedgeOptions, "signal"> = {
  delayMs: NEVER_MS,
  budgetMs: NEVER_MS,
  maxAttempts: 10,
};

interface Try {
  readonly signal: AbortSignal;
  readonly answer: (value: string | null) => void;
  readonly fail: (error: unknown) => void;
}

/** A race whose tries end when the test says so. */
function raceOf(
  candidates: Iterable<string> | AsyncIterable<string>,
  options: Partial<HedgeOptions> = {},
) {
  const tries = new Map<string, Try>();
  const discarded: string[] = [];
  const ended = new AbortController();
  const result = hedge<string, string>(
    asyncOf(candidates),
    (candidate, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<
        string | null
      >();
      tries.set(candidate, { signal, answer: resolve, fail: reject });
      return promise;
    },
    (value) => discarded.push(value),
    { ...PATIENT, signal: ended.signal, ...options },
  );
  const begun = async (candidate: string): Promise<Try> => {
    await eventually(`${candidate} is tried`, () => tries.has(candidate));
    return tries.get(candidate) ?? assert.fail();
  };
  return { result, begun, tries, discarded, ended };
}

async function* asyncOf<T>(items: Iterable<T> | AsyncIterable<T>) {
  yield* items;
}

Deno.test("hedge() gives the first result", async () => {
  const { result, begun, tries } = raceOf(["a", "b"]);
  (await begun("a")).answer("from a");
  assert.deepEqual(await result, {
    value: "from a",
    attempts: 1,
    timedOut: false,
  });
  assert.deepEqual([...tries.keys()], ["a"]);
});

Deno.test("hedge() goes to the next when one has nothing or fails", async () => {
  const { result, begun } = raceOf(["a", "b", "c"]);
  (await begun("a")).answer(null);
  (await begun("b")).fail(new Error("broken"));
  (await begun("c")).answer("from c");
  assert.deepEqual(await result, {
    value: "from c",
    attempts: 3,
    timedOut: false,
  });
});

Deno.test("hedge() begins the next beside one that is slow", async () => {
  const { result, begun, discarded } = raceOf(["a", "b"], { delayMs: 1 });
  const slow = await begun("a");
  const fast = await begun("b");
  fast.answer("from b");
  assert.equal((await result).value, "from b");
  assert.ok(slow.signal.aborted);
  assert.ok(!fast.signal.aborted, "the winner's signal stays as it is");
  slow.answer("from a");
  await eventually("the loser is discarded", () => discarded.length > 0);
  assert.deepEqual(discarded, ["from a"]);
});

Deno.test("hedge() takes the slow one when it is first after all", async () => {
  const { result, begun, discarded } = raceOf(["a", "b"], { delayMs: 1 });
  const slow = await begun("a");
  const other = await begun("b");
  slow.answer("from a");
  assert.equal((await result).value, "from a");
  assert.ok(other.signal.aborted);
  other.fail(new Error("aborted"));
  assert.deepEqual(discarded, []);
});

Deno.test("hedge() discards one of two results of the same moment", async () => {
  const { result, begun, discarded } = raceOf(["a", "b"], { delayMs: 1 });
  const tries = [await begun("a"), await begun("b")];
  tries.forEach(({ answer }, index) => answer(`from ${index}`));
  assert.equal((await result).value, "from 0");
  assert.deepEqual(discarded, ["from 1"]);
});

Deno.test("hedge() tries no more than it may, and waits for the last", async () => {
  const { result, begun, tries } = raceOf(["a", "b", "c"], {
    maxAttempts: 2,
    delayMs: 1,
  });
  const first = await begun("a");
  const last = await begun("b");
  first.answer(null);
  last.answer(null);
  assert.deepEqual(await result, {
    value: null,
    attempts: 2,
    timedOut: false,
  });
  assert.ok(!tries.has("c"));
});

Deno.test("hedge() is over when there is nobody to try", async () => {
  const { result } = raceOf([]);
  assert.deepEqual(await result, {
    value: null,
    attempts: 0,
    timedOut: false,
  });
});

Deno.test("hedge() waits for tries when no candidate is left", async () => {
  const { result, begun } = raceOf(["a"], { delayMs: 1 });
  (await begun("a")).answer("late");
  assert.equal((await result).value, "late");
});

Deno.test("hedge() takes a failing lookup for its end", async () => {
  async function* failing() {
    yield await Promise.resolve("a");
    throw new Error("lookup failed");
  }
  const { result, begun } = raceOf(failing(), { delayMs: 1 });
  (await begun("a")).answer("from a");
  assert.equal((await result).value, "from a");
});

Deno.test("hedge() does not wait for candidates once it has a result", async () => {
  let returned = false;
  async function* slow() {
    try {
      yield "a";
      await hanging.promise;
    } finally {
      returned = true;
    }
  }
  const hanging = Promise.withResolvers<void>();
  const { result, begun } = raceOf(slow(), { delayMs: 1 });
  (await begun("a")).answer("from a");
  assert.equal((await result).value, "from a");
  hanging.resolve();
  await eventually("the lookup is ended", () => returned);
});

Deno.test("hedge() ends the lookup and the tries when its budget is over", async () => {
  const { result, begun } = raceOf(["a"], { budgetMs: 5 });
  const hanging = await begun("a");
  assert.deepEqual(await result, {
    value: null,
    attempts: 1,
    timedOut: true,
  });
  assert.ok(hanging.signal.aborted);
  hanging.answer(null);
});

Deno.test("hedge() does not call it a timeout when its signal aborts", async () => {
  const { result, begun, ended } = raceOf(["a"]);
  const hanging = await begun("a");
  ended.abort();
  assert.deepEqual(await result, {
    value: null,
    attempts: 1,
    timedOut: false,
  });
  assert.ok(hanging.signal.aborted);
  hanging.answer(null);
});

Deno.test("hedge() discards a result that comes after its signal aborted", async () => {
  const { result, begun, ended, discarded } = raceOf(["a"]);
  const late = await begun("a");
  ended.abort();
  await result;
  late.answer("late");
  await eventually("it is discarded", () => discarded.length > 0);
  assert.deepEqual(discarded, ["late"]);
});

Deno.test("hedge() tries nobody when its signal has aborted", async () => {
  const { result, tries } = raceOf(["a"], { signal: AbortSignal.abort() });
  assert.equal((await result).attempts, 0);
  assert.equal(tries.size, 0);
});
