/**
 * Races by chance: whatever the schedule, what must hold holds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sleep } from "../../src/async/backoff.ts";
import { hedge } from "../../src/async/hedge.ts";
import { type Random, random } from "../suites/random.ts";

const RACES = 400;

/** What one try will do, decided before the race. */
interface Plan {
  readonly arrivesAfterMs: number;
  readonly takesMs: number;
  readonly ends: "answers" | "has nothing" | "fails";
  /** Whether it notices that it was aborted. */
  readonly heeds: boolean;
}

function planOf(numbers: Random): Plan {
  const ends = (["answers", "has nothing", "fails"] as const)[
    numbers.below(3)
  ] ?? "fails";
  return {
    arrivesAfterMs: numbers.below(4),
    takesMs: numbers.below(12),
    ends,
    heeds: numbers.below(2) === 0,
  };
}

/** Everything that happens in a race. */
class Race {
  readonly tried: number[] = [];
  readonly answered = new Set<number>();
  readonly discarded: number[] = [];
  readonly signals = new Map<number, AbortSignal>();
  taken = 0;
  lookupEnded = false;
  readonly #plans: readonly Plan[];
  readonly #never = new AbortController().signal;
  readonly #running: Promise<number | null>[] = [];

  constructor(plans: readonly Plan[]) {
    this.#plans = plans;
  }

  async *candidates(): AsyncIterable<number> {
    try {
      for (const [id, plan] of this.#plans.entries()) {
        await sleep(plan.arrivesAfterMs, this.#never);
        this.taken++;
        yield id;
      }
    } finally {
      this.lookupEnded = true;
    }
  }

  readonly attempt = (id: number, signal: AbortSignal) => {
    this.tried.push(id);
    this.signals.set(id, signal);
    const attempt = this.#try(id, signal);
    this.#running.push(attempt);
    return attempt;
  };

  async #try(id: number, signal: AbortSignal): Promise<number | null> {
    const { takesMs, ends, heeds } = this.#plans[id] ?? assert.fail();
    await sleep(takesMs, heeds ? signal : this.#never);
    if (heeds) signal.throwIfAborted();
    if (ends === "fails") throw new Error("as planned");
    if (ends === "has nothing") return null;
    this.answered.add(id);
    return id;
  }

  /** Waits until no try runs and the lookup has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
    while (!this.lookupEnded) await sleep(1, this.#never);
  }
}

async function race(numbers: Random): Promise<void> {
  const plans = Array.from(
    { length: numbers.below(9) },
    () => planOf(numbers),
  );
  const options = {
    delayMs: numbers.below(6),
    budgetMs: 1 + numbers.below(30),
    maxAttempts: 1 + numbers.below(5),
    signal: new AbortController().signal,
  };
  const run = new Race(plans);
  const { value, attempts, timedOut } = await hedge(
    run.candidates(),
    run.attempt,
    (id) => run.discarded.push(id),
    options,
  );
  const untilThen = new Set(run.tried);
  await run.settled();
  await Promise.resolve();

  const what = JSON.stringify({ plans, options, value, attempts, timedOut });
  assert.equal(attempts, run.tried.length, `no try after the end: ${what}`);
  assert.equal(untilThen.size, attempts, `no candidate twice: ${what}`);
  assert.ok(attempts <= options.maxAttempts, what);
  assert.ok(run.taken <= attempts + 1, `taken only as needed: ${what}`);
  assert.deepEqual(run.tried, run.tried.toSorted((a, b) => a - b), what);
  const lost = [...run.answered].filter((id) => id !== value);
  assert.deepEqual(run.discarded.toSorted(), lost.toSorted(), what);
  if (value !== null) {
    assert.ok(run.answered.has(value), what);
    assert.ok(!run.signals.get(value)?.aborted, what);
    assert.ok(!timedOut, what);
  } else if (!timedOut) {
    // Nobody was left to try, and no answer was lost.
    assert.equal(run.answered.size, 0, what);
    const most = Math.min(plans.length, options.maxAttempts);
    assert.equal(attempts, most, what);
  }
}

Deno.test("hedge() keeps its word in any race", async () => {
  const numbers = random(6);
  await Promise.all(Array.from({ length: RACES }, () => race(numbers)));
});
