/**
 * Racing tries that start one after another: the next begins when one fails or
 * when it is time, and the first success ends them all.
 *
 * @module
 */

import { deadline } from "./deadline.ts";

/** One try: a result, or null for "not me". */
export type Attempt<C, T> = (
  candidate: C,
  signal: AbortSignal,
) => Promise<T | null>;

/** How {@linkcode hedge} races. */
export interface HedgeOptions {
  /** Milliseconds without a result until the next try begins beside the first. */
  readonly delayMs: number;
  /** Milliseconds for all of it. */
  readonly budgetMs: number;
  /** At most so many tries. */
  readonly maxAttempts: number;
  /** Ends the race. */
  readonly signal: AbortSignal;
}

/** How a race ended. */
export interface HedgeResult<T> {
  /** The first result, or null when no try had one. */
  readonly value: T | null;
  /** Tries that were begun. */
  readonly attempts: number;
  /** True when the budget, not the candidates, ran out. */
  readonly timedOut: boolean;
}

/**
 * Tries candidates until one has a result. Losers are aborted, and results that
 * come too late are handed to `discard`.
 *
 * @param candidates Whom to try, best first; taken only as needed, and may
 * still be on their way
 * @param attempt One try; a rejection counts as null
 * @param discard Frees a result that lost the race
 * @param options Delays, budget and end
 * @returns The first result and what it took
 */
export async function hedge<C, T>(
  candidates: AsyncIterable<C>,
  attempt: Attempt<C, T>,
  discard: (value: T) => void,
  options: HedgeOptions,
): Promise<HedgeResult<T>> {
  using budget = deadline(options.signal, options.budgetMs);
  const race = new Race(attempt, discard, budget.signal);
  const iterator = candidates[Symbol.asyncIterator]();
  try {
    let more = true;
    while (more && !race.over && race.attempts < options.maxAttempts) {
      const next = await race.unlessOver(iterator.next());
      if (next === null) break;
      if (next.done) more = false;
      else race.begin(next.value);
      // The last try allowed has nobody to make room for: wait for the end.
      if (more) await race.idleOr(options.delayMs);
    }
    await race.settled();
    return {
      value: race.winner,
      attempts: race.attempts,
      timedOut: budget.signal.aborted && !options.signal.aborted &&
        race.winner === null,
    };
  } finally {
    race.end();
    // Not awaited: a lookup that hangs in next() would hold the request.
    iterator.return?.()?.catch(() => {/* its candidates are not wanted */});
  }
}

/** The state of one race; a class because tries report to it at any time. */
class Race<C, T> {
  winner: T | null = null;
  attempts = 0;
  #running = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #controllers = new Map<number, AbortController>();
  readonly #attempt: Attempt<C, T>;
  readonly #discard: (value: T) => void;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#notify();

  constructor(
    attempt: Attempt<C, T>,
    discard: (value: T) => void,
    signal: AbortSignal,
  ) {
    this.#attempt = attempt;
    this.#discard = discard;
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  get over(): boolean {
    return this.winner !== null || this.#signal.aborted;
  }

  begin(candidate: C): void {
    const id = this.attempts++;
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    this.#running++;
    this.#attempt(candidate, controller.signal)
      .catch(() => null) // The attempt has logged why; here it only lost.
      .then((value) => this.#finished(id, value));
  }

  /** Waits for a promise, but not beyond the end of the race. */
  async unlessOver<V>(promise: Promise<V>): Promise<V | null> {
    let result: V | null = null;
    let done = false;
    promise.then((value) => {
      result = value;
    }, () => {/* a lookup that fails has no more candidates */}).finally(() => {
      done = true;
      this.#notify();
    });
    while (!done && !this.over) await this.#woken();
    return result;
  }

  /** Waits until no try runs, the race is over, or the time has come. */
  async idleOr(ms: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#notify();
    }, ms);
    const before = this.#running;
    while (!late && !this.over && this.#running >= before && before > 0) {
      await this.#woken();
    }
    clearTimeout(timer);
  }

  /** Waits until every try has ended or the race is over. */
  async settled(): Promise<void> {
    while (!this.over && this.#running > 0) await this.#woken();
  }

  end(): void {
    this.#ended = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    for (const controller of this.#controllers.values()) controller.abort();
    this.#controllers.clear();
  }

  #finished(id: number, value: T | null): void {
    this.#running--;
    this.#controllers.delete(id);
    if (value !== null) {
      if (this.winner === null && !this.#ended) this.winner = value;
      else this.#discard(value);
    }
    this.#notify();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
