/**
 * Telling the cluster what this node has, as it comes and goes.
 *
 * @module
 */

import { backoff } from "./async/backoff.ts";
import { type Clock, REAL_CLOCK } from "./async/clock.ts";
import type { ContentEvent, ContentWatcher } from "./content/watcher.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Readiness, Router } from "./routing/router.ts";

/** What advertising needs of other parts. */
export interface AdvertiseDeps {
  /** Tells what changes. */
  readonly watcher: ContentWatcher;
  /** Is told. */
  readonly router: Router;
  /** Hears what could not be told. */
  readonly log: Log;
  /** Counts what is shared. */
  readonly metrics: Metrics;
  /**
   * Time between tellings.
   *
   * @default {The real time}
   */
  readonly clock?: Clock;
}

/** Advertising that runs. */
export interface Advertiser {
  /** Ready when all content that was there at the start has been told. */
  ready(): Readiness;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Milliseconds between two tellings: a pull commits some ten blobs within moments,
 * and each telling costs a message to every peer that is near to one of them.
 */
const BATCH_MS = 100;

/** First and longest wait, in ms, before what could not be told is told again. */
const AGAIN = { initialMs: 500, maxMs: 30_000 };

/** What is not told yet: the last word on each key. */
type Untold = Map<string, 1 | -1>;

/**
 * Makes the link between a store and the cluster.
 *
 * @param deps Watcher, router, log and metrics
 * @returns The link, which does nothing until it runs
 */
export function advertiser(deps: AdvertiseDeps): Advertiser {
  const { watcher, router, log, metrics, clock = REAL_CLOCK } = deps;
  const tags = new Set<string>(); // A tag that moves is told again.
  const untold: Untold = new Map();
  let more = Promise.withResolvers<void>();
  let keysAtStart: number | null = null;
  let listed = false;

  /** Notes what changed; gone and back is there. */
  function note(batch: readonly ContentEvent[]): void {
    for (const event of batch) {
      const { key, kind, change } = keyOf(event);
      untold.set(key, change);
      const known = tags.size;
      if (kind === "tag") change > 0 ? tags.add(key) : tags.delete(key);
      const counted = kind === "tag" ? tags.size - known : change;
      metrics.gauge("peili_content", { kind }, counted);
    }
    keysAtStart ??= batch.length;
    more.resolve();
  }

  /** Tells all that is not told; what fails is not told still. */
  async function tell(): Promise<boolean> {
    const last = new Map(untold);
    untold.clear();
    const added = [...last.keys()].filter((key) => last.get(key) === 1);
    const gone = [...last.keys()].filter((key) => last.get(key) === -1);
    try {
      if (added.length > 0) await router.advertise(added);
      if (gone.length > 0) await router.withdraw(gone);
      return true;
    } catch (error) {
      const keys = last.size;
      log.warn("content could not be advertised yet", { keys, error });
      // What came meanwhile is newer.
      for (const [key, change] of last) {
        if (!untold.has(key)) untold.set(key, change);
      }
      return false;
    }
  }

  const isUntold = () => untold.size > 0 || (!listed && keysAtStart !== null);

  async function tellAgain(signal: AbortSignal): Promise<void> {
    const delays = backoff(AGAIN);
    while (isUntold() && !signal.aborted) {
      const told = await tell();
      if (told && !listed) log.info("content listed", { keys: keysAtStart });
      listed ||= told;
      if (told) delays.reset();
      await clock.sleep(told ? BATCH_MS : delays.next(), signal);
    }
  }

  return {
    ready: () =>
      listed ? { ready: true } : {
        ready: false,
        reason: keysAtStart === null
          ? "this node's content is not listed yet"
          : "this node's content is not advertised yet",
      },
    async run(signal) {
      let ended = false;
      const watching = (async () => {
        for await (const batch of watcher.watch(signal)) note(batch);
        ended = true;
        more.resolve();
      })();
      while (!ended || (isUntold() && !signal.aborted)) {
        await more.promise;
        more = Promise.withResolvers();
        await tellAgain(signal);
      }
      await watching;
    },
  };
}

function keyOf(
  event: ContentEvent,
): { key: string; kind: "digest" | "tag"; change: 1 | -1 } {
  switch (event.kind) {
    case "created":
      return { key: event.digest, kind: "digest", change: 1 };
    case "deleted":
      return { key: event.digest, kind: "digest", change: -1 };
    case "tagged":
      return { key: event.name, kind: "tag", change: 1 };
    case "untagged":
      return { key: event.name, kind: "tag", change: -1 };
  }
}
