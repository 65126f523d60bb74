/**
 * Leads by 404 that have not begun: containerd queues them behind what it waits
 * for elsewhere.
 *
 * @module
 */

import type { PullState } from "../content/pull_state.ts";
import type { Digest } from "../oci/digest.ts";

/** The queued leads of a node. */
export interface Queued {
  /** One more. */
  add(digest: Digest): void;
  /** True while one has not begun. */
  isWaiting(): Promise<boolean>;
}

/** A lead that has not begun after so long, in ms, will not: an orphan. */
const TTL_MS = 30_000;

/** Leads that are remembered; containerd pulls a few layers at a time. */
const MAX_QUEUED = 64;

/**
 * Makes the list of a node.
 *
 * @param pullState Tells how far this node's own pull of a digest is
 * @param now Milliseconds of a clock that does not go back
 * @returns The list, empty
 */
export function queuedLeads(
  pullState: (digest: Digest) => Promise<PullState>,
  now: () => number = () => performance.now(),
): Queued {
  const until = new Map<Digest, number>();
  return {
    add(digest) {
      if (until.size < MAX_QUEUED) until.set(digest, now() + TTL_MS);
    },
    async isWaiting() {
      for (const [digest, end] of until) {
        const state = await pullState(digest);
        const waits = state?.kind === "pulling" && state.offset === 0;
        if (waits && now() < end) return true;
        until.delete(digest);
      }
      return false;
    },
  };
}
