/**
 * Telling the cluster what this node has, as it comes and goes.
 *
 * @module
 */

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
}

/** Advertising that runs. */
export interface Advertiser {
  /** Ready when all content that was there at the start has been told. */
  ready(): Readiness;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Makes the link between a store and the cluster.
 *
 * @param deps Watcher, router, log and metrics
 * @returns The link, which does nothing until it runs
 */
export function advertiser(deps: AdvertiseDeps): Advertiser {
  const { watcher, router, log, metrics } = deps;
  const tags = new Set<string>(); // A tag that moves is told again.
  let listed = false;

  async function tell(batch: readonly ContentEvent[]): Promise<void> {
    const last = new Map<string, 1 | -1>(); // Gone and back is there.
    for (const event of batch) {
      const { key, kind, change } = keyOf(event);
      last.set(key, change);
      const known = tags.size;
      if (kind === "tag") change > 0 ? tags.add(key) : tags.delete(key);
      const counted = kind === "tag" ? tags.size - known : change;
      metrics.gauge("peili_content", { kind }, counted);
    }
    const added = [...last.keys()].filter((key) => last.get(key) === 1);
    const gone = [...last.keys()].filter((key) => last.get(key) === -1);
    try {
      if (added.length > 0) await router.advertise(added);
      if (gone.length > 0) await router.withdraw(gone);
    } catch (error) {
      log.warn("content could not be advertised", {
        keys: batch.length,
        error,
      });
    }
  }

  return {
    ready: () =>
      listed
        ? { ready: true }
        : { ready: false, reason: "this node's content is not listed yet" },
    async run(signal) {
      for await (const batch of watcher.watch(signal)) {
        await tell(batch);
        if (!listed) log.info("content listed", { keys: batch.length });
        listed = true;
      }
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
