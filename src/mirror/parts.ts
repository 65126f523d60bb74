/**
 * The order in which parts of one content may end short. containerd that
 * fetches a layer in parallel ranges goes on after the end of the lowest, but
 * gives the pull up when a higher one ends before it: it cancels the lowest.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import type { Digest } from "../oci/digest.ts";

/** One body that is being sent. */
export interface Part {
  /** When nothing before it is being sent any more, or it took too long. */
  lowest(): Promise<void>;
  /** It is over. */
  end(): void;
}

/** The bodies that a node is sending. */
export interface Parts {
  /** Begins a body at a byte of the whole. */
  begin(digest: Digest, start: number): Part;
}

/**
 * Milliseconds for which a part that has no more bytes waits for those before
 * it: they have the same source and find out within 2 s.
 */
const WAIT_MS = 4_000;

interface Sent {
  readonly start: number;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * Makes the list of a node.
 *
 * @returns The list, empty
 */
export function parts(): Parts {
  const all = new Map<Digest, Set<Sent>>();

  async function lowest(digest: Digest, own: Sent): Promise<void> {
    const lower = (all.get(digest) ?? new Set<Sent>()).values()
      .filter(({ start }) => start < own.start)
      .map(({ ended }) => ended.promise).toArray();
    if (lower.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using limit = deadline(new AbortController().signal, WAIT_MS);
    limit.signal.addEventListener("abort", () => resolve(), { once: true });
    await Promise.race([Promise.all(lower), own.ended.promise, promise]);
  }

  return {
    begin(digest, start) {
      const own: Sent = { start, ended: Promise.withResolvers() };
      const sent = all.get(digest) ?? new Set();
      all.set(digest, sent.add(own));
      return {
        lowest: () => lowest(digest, own),
        end() {
          own.ended.resolve();
          sent.delete(own);
          if (sent.size === 0 && all.get(digest) === sent) all.delete(digest);
        },
      };
    },
  };
}
