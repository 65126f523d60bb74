/**
 * A libp2p stream that is kept open and carries messages both ways.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { framed, frameReader } from "./frames.ts";

/** One end of it. */
export interface Pipe {
  /**
   * Sends messages.
   *
   * @returns False when the other end is slow: wait for `drained()`
   * @throws {Error} If the stream has ended
   */
  send(messages: readonly Uint8Array[]): boolean;
  /** Waits until there is room again. */
  drained(signal: AbortSignal): Promise<void>;
  /** Ends it at once. */
  abort(reason: Error): void;
}

/** What an end does with what comes. */
export interface PipeOptions {
  /** No message may be longer, in bytes. */
  readonly maxBytes: number;
  /** Takes a message; what it throws ends the stream. */
  readonly onMessage: (message: Uint8Array) => void;
  /** Hears once that the stream has ended. */
  readonly onEnd: () => void;
}

/** Bytes that wait for a slow reader; it is cut off when there are more. */
const MAX_UNSENT_BYTES = 8 << 20;

/**
 * Takes a stream.
 *
 * @param stream Open, and nobody else's
 * @param options What is done with what comes
 * @returns This end
 */
export function pipe(stream: Stream, options: PipeOptions): Pipe {
  const { maxBytes, onMessage, onEnd } = options;
  const read = frameReader(maxBytes, onMessage);
  stream.maxWriteBufferLength = MAX_UNSENT_BYTES;
  stream.addEventListener("close", () => onEnd(), { once: true });
  stream.addEventListener("remoteCloseWrite", () => {
    // Nobody half-closes here: the other end is going away.
    stream.abort(new Error("the other end has closed"));
  });
  stream.addEventListener("message", ({ data }) => {
    if (stream.status !== "open") return; // What came behind what was wrong.
    try {
      read(data.subarray());
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return {
    send: (messages) => stream.send(framed(messages)),
    async drained(signal) {
      // js-libp2p forgets its promise then, and the stream's end rejects it.
      signal.throwIfAborted();
      await stream.onDrain({ signal });
    },
    abort: (reason) => stream.abort(reason),
  };
}
