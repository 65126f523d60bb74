/**
 * One iteration over a watcher, in the background of a test.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type {
  ContentEvent,
  ContentWatcher,
} from "../../src/content/watcher.ts";
import { eventually } from "./eventually.ts";

/** What an iteration has told; disposing of it ends it, and it must end well. */
export interface Watching extends AsyncDisposable {
  /** Waits for the first batch. */
  first(): Promise<readonly ContentEvent[]>;
  /** Waits until an event was told so many times. */
  until(event: ContentEvent, times?: number): Promise<void>;
  /** All that was told so far. */
  told(): readonly ContentEvent[];
}

/**
 * Begins to watch.
 *
 * @param watcher What is watched
 * @param onBatch Is awaited before the next batch is taken
 * @returns The iteration
 */
export function watching(
  watcher: ContentWatcher,
  onBatch: () => Promise<void> = () => Promise.resolve(),
): Watching {
  const ended = new AbortController();
  const batches: (readonly ContentEvent[])[] = [];
  let failure: unknown;
  const running = (async () => {
    for await (const batch of watcher.watch(ended.signal)) {
      batches.push(batch);
      await onBatch();
    }
  })().catch((error) => failure = error);
  const told = () => batches.flat();
  const until = (what: string, holds: () => boolean) =>
    eventually(what, () => {
      if (failure !== undefined) throw failure;
      return holds();
    });
  return {
    told,
    async first() {
      await until("there is a batch", () => batches.length > 0);
      return batches[0] ?? [];
    },
    until: (event, times = 1) =>
      until(`${JSON.stringify(event)} is told`, () =>
        told()
          .filter((other) => isDeepStrictEqual(other, event))
          .length >= times),
    async [Symbol.asyncDispose]() {
      ended.abort();
      await running;
      if (failure !== undefined) throw failure;
    },
  };
}
