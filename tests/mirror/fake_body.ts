/**
 * Bodies that have begun and then do what a test says.
 *
 * @module
 */

import { chunkReader } from "../../src/async/chunks.ts";
import type { StartedBody } from "../../src/mirror/resume.ts";

/** What a body does after its pieces. */
export type BodyEnd = "end" | "break" | "hang";

/** A body that has begun, and whether it was let go. */
export interface FakeBody extends StartedBody {
  /** Resolves when it is cancelled. */
  readonly cancelled: Promise<void>;
}

/** Makes a body of these pieces, the first of which is in hand. */
export function fakeBody(
  from: string,
  pieces: readonly string[],
  then: BodyEnd,
): FakeBody {
  const [first = new Uint8Array(), ...left] = pieces.map((piece) =>
    new TextEncoder().encode(piece)
  );
  const cancelled = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else if (then === "end") controller.close();
      else if (then === "break") controller.error(new Error("reset"));
      else return new Promise(() => {});
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  return {
    first,
    rest: chunkReader(stream),
    from,
    cancelled: cancelled.promise,
  };
}
