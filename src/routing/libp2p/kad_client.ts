/**
 * Asking one peer of the DHT over a stream that is kept open. A new stream for
 * each question costs four times as much.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { unlessAborted } from "../../async/unless_aborted.ts";
import { decodeKad, encodeKad, type KadMessage } from "./kad_message.ts";
import { type Pipe, pipe } from "./pipe.ts";

/** Questions to one peer. */
export interface KadClient {
  /** Asks; answers come in the order of the questions. */
  ask(message: Uint8Array, signal: AbortSignal): Promise<KadMessage>;
  /**
   * Tells what has no answer, and waits until the peer has taken all of it.
   *
   * @param pieces Messages that go out together: each piece is encrypted and
   * written once
   */
  tell(
    pieces: Iterable<readonly Uint8Array[]>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Bytes of a message at most; an answer with all that it may hold has 20 KB. */
export const MAX_KAD_BYTES: number = 128 << 10;

/** Questions that wait for one peer; more are refused: it does not answer. */
const MAX_WAITING = 1_024;

const PING = encodeKad({ type: "ping", key: new Uint8Array(0) });

interface Line {
  readonly pipe: Pipe;
  readonly waiting: PromiseWithResolvers<KadMessage>[];
}

/**
 * Makes the client of one peer.
 *
 * @param open Opens a stream of the DHT's protocol to it
 * @returns The client, which opens one when it is first used
 */
export function kadClient(open: () => Promise<Stream>): KadClient {
  let line: Promise<Line> | null = null;

  async function start(): Promise<Line> {
    const stream = await open();
    const waiting: PromiseWithResolvers<KadMessage>[] = [];
    const kept = pipe(stream, {
      maxBytes: MAX_KAD_BYTES,
      onMessage(bytes) {
        const answer = decodeKad(bytes);
        const question = waiting.shift();
        if (!answer || !question) {
          throw new SyntaxError("Cannot read an answer");
        }
        question.resolve(answer);
      },
      onEnd() {
        line = null;
        const error = new Error("Cannot ask a peer: its stream has ended");
        waiting.splice(0).forEach(({ reject }) => reject(error));
      },
    });
    return { pipe: kept, waiting };
  }

  function kept(): Promise<Line> {
    line ??= start().catch((error) => {
      line = null;
      throw error;
    });
    return line;
  }

  /** Sends a message that has an answer. */
  function question(
    { pipe, waiting }: Line,
    message: Uint8Array,
  ): Promise<KadMessage> {
    if (waiting.length >= MAX_WAITING) {
      throw new Error("Cannot ask a peer: it has not answered for long");
    }
    const asked = Promise.withResolvers<KadMessage>();
    asked.promise.catch(() => {/* whoever asked may be gone */});
    waiting.push(asked);
    pipe.send([message]);
    return asked.promise;
  }

  return {
    async ask(message, signal) {
      const open = await unlessAborted(kept(), signal);
      return await unlessAborted(question(open, message), signal);
    },
    async tell(pieces, signal) {
      const open = await unlessAborted(kept(), signal);
      for (const messages of pieces) {
        if (!open.pipe.send(messages)) await open.pipe.drained(signal);
      }
      await unlessAborted(question(open, PING), signal);
    },
  };
}
