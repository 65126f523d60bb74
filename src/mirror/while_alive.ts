/**
 * Waiting for a peer for as long as its node answers.
 *
 * @module
 */

import { sleep } from "../async/backoff.ts";
import { deadline } from "../async/deadline.ts";
import type { Peer } from "../routing/router.ts";

/** What it takes to look after a peer. */
export interface WhileAliveDeps {
  /**
   * Asks a peer's listener for a sign of life; rejects when there is none.
   */
  readonly ping: (
    peer: Pick<Peer, "address">,
    signal: AbortSignal,
  ) => Promise<void>;
  /**
   * Milliseconds between two looks, and for the answer.
   *
   * @default {1_000}
   */
  readonly lookMs?: number;
}

/** Milliseconds between two looks, and for the answer. */
const LOOK_MS = 1_000;

/** A node under full load answers late; two looks in a row without an answer are
 * a dead node. */
const MISSES = 2;

/**
 * Does something with a peer and gives it up when the peer's node does not
 * answer any more: a connection to a node that has gone says nothing.
 *
 * @param deps How to look
 * @param address The peer
 * @param signal Ends it
 * @param work Gets a signal that aborts when the peer is gone
 * @returns What the work returned
 */
export async function whileAlive<T>(
  { ping, lookMs = LOOK_MS }: WhileAliveDeps,
  address: string,
  signal: AbortSignal,
  work: (alive: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const gone = new AbortController();
  const onEnd = () => gone.abort(signal.reason);
  if (signal.aborted) onEnd();
  else signal.addEventListener("abort", onEnd, { once: true });
  const watch = async () => {
    for (let missed = 0; missed < MISSES;) {
      await sleep(lookMs, done.signal);
      if (done.signal.aborted) return;
      using limit = deadline(done.signal, lookMs);
      missed = await ping({ address }, limit.signal).then(
        () => 0,
        () => missed + 1,
      );
    }
    gone.abort(new Error(`Cannot wait for ${address}: its node is gone`));
  };
  const watching = watch();
  try {
    return await work(gone.signal);
  } finally {
    signal.removeEventListener("abort", onEnd);
    done.abort();
    await watching;
  }
}
