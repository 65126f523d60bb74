/**
 * Watching a store that can be listed: what it tells by itself where it does,
 * and a listing every half minute everywhere, because no store tells all.
 *
 * @module
 */

import { backoff, sleep } from "../async/backoff.ts";
import type { Log } from "../log.ts";
import type { ContentEvent, ContentWatcher } from "./watcher.ts";

/** A store as its watcher needs it. */
export interface ListedStore<E> {
  /** Its name in the log: `containerd`. */
  readonly name: string;
  /** Forgets what was told: the next listing tells all that is there. */
  restart(): void;
  /** What happens; it ends, or throws, when the store goes away. */
  events(signal: AbortSignal): AsyncIterable<E>;
  /** Lists all and tells what changed; throws while the store is away. */
  list(signal: AbortSignal): Promise<readonly ContentEvent[]>;
  /** What the events tell without a listing. */
  apply(
    events: readonly E[],
    signal: AbortSignal,
  ): Promise<readonly ContentEvent[]>;
  /** Milliseconds to the listing that the events ask for, or Infinity. */
  settleMs(events: readonly E[]): number;
  /** Tells whether more goes than these events say: a second listing comes then. */
  hasAftermath(events: readonly E[]): boolean;
  /** What is gone with the store, if it cannot be listed. */
  lost(): Promise<readonly ContentEvent[]>;
  /** Stands for events that were dropped: it asks for a listing. */
  readonly everything: E;
}

/** How often to list. */
export interface ListedWatcherOptions {
  /**
   * Milliseconds between two listings when nothing happens.
   *
   * @default {30_000}
   */
  readonly reconcileMs?: number;
}

const RECONCILE_MS = 30_000;

/** From a listing after the subscription, or one with an aftermath, to the next. */
const AFTERMATH_MS = 3_000;

/** A containerd that restarts is back within seconds; a store that is not there is
 * asked for every 5 s at most. */
const AWAY = { initialMs: 100, maxMs: 5_000 };

/**
 * Makes the watcher of a store.
 *
 * @param store Is listed, and tells
 * @param log Hears when it goes and comes
 * @param options How often to list
 * @returns The watcher; it is for one iteration at a time, because the store
 * knows only one "last told"
 */
export function listedWatcher<E>(
  store: ListedStore<E>,
  log: Log,
  { reconcileMs = RECONCILE_MS }: ListedWatcherOptions = {},
): ContentWatcher {
  return {
    async *watch(signal) {
      const delays = backoff(AWAY);
      let away = false;
      store.restart();
      while (!signal.aborted) {
        try {
          for await (const batch of watchOnce(store, reconcileMs, signal)) {
            if (away) log.info(`${store.name} is back`);
            away = false;
            delays.reset();
            yield batch;
          }
        } catch (error) {
          if (signal.aborted) return;
          if (!away) {
            log.warn(`${store.name} is away; waiting for it`, { error });
          }
          away = true;
          const gone = await store.lost();
          if (gone.length > 0) yield gone;
        }
        if (!signal.aborted && !away) {
          log.warn(`${store.name} ended its events`);
        }
        away = true;
        await sleep(delays.next(), signal);
      }
    },
  };
}

/** Watches for as long as the store stays. */
async function* watchOnce<E>(
  store: ListedStore<E>,
  reconcileMs: number,
  signal: AbortSignal,
): AsyncIterable<readonly ContentEvent[]> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]); // One a connection.
  const inbox = new Inbox(store.events(both), store.everything);
  try {
    // Subscribed first, listed second: what comes between is told twice,
    // which is harmless, not missed. The subscription has no receipt, so
    // the second listing comes soon.
    yield await store.list(signal);
    let nextListing = Date.now() + Math.min(reconcileMs, AFTERMATH_MS);
    let aftermath = false; // Of what happened since the last listing.
    while (!signal.aborted) {
      const events = await inbox.take(nextListing - Date.now());
      aftermath ||= store.hasAftermath(events);
      const told = await store.apply(events, signal);
      if (told.length > 0) yield told;
      nextListing = Math.min(nextListing, Date.now() + store.settleMs(events));
      if (Date.now() < nextListing) continue;
      const changed = await store.list(signal);
      if (changed.length > 0) yield changed;
      nextListing = Date.now() +
        (aftermath ? Math.min(reconcileMs, AFTERMATH_MS) : reconcileMs);
      aftermath = false;
    }
  } finally {
    ended.abort();
    await inbox.ended;
  }
}

/** A store's events, collected until somebody takes them. */
class Inbox<E> {
  /** Resolves when the events have ended. */
  readonly ended: Promise<void>;
  readonly #everything: E;
  #events: E[] = [];
  #end: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(source: AsyncIterable<E>, everything: E) {
    this.#everything = everything;
    this.ended = this.#collect(source).then(
      () => this.#finish(new Error("the event stream ended")),
      (error) => this.#finish(error),
    );
  }

  /**
   * Waits for events, at most so many milliseconds.
   *
   * @throws What ended the stream
   */
  async take(ms: number): Promise<E[]> {
    if (this.#events.length === 0 && !this.#end && ms > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    if (this.#end && this.#events.length === 0) throw this.#end.error;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  async #collect(source: AsyncIterable<E>): Promise<void> {
    for await (const event of source) {
      if (this.#events.length >= MAX_WAITING) this.#events = [this.#everything];
      this.#events.push(event);
      this.#wake();
    }
  }

  #finish(error: unknown): void {
    this.#end = { error };
    this.#wake();
  }
}

/** Events that wait at most; beyond that a listing tells as much. */
const MAX_WAITING = 10_000;
