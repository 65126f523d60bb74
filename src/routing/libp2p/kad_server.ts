/**
 * Answering the DHT's questions on a stream that is kept open.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { MAX_KAD_BYTES } from "./kad_client.ts";
import {
  decodeKad,
  encodeKad,
  type KadMessage,
  type KadPeer,
} from "./kad_message.ts";
import { pipe } from "./pipe.ts";

/** What answers are made of. */
export interface KadAnswers {
  /** The sender has a key from now on. */
  add(key: Uint8Array, sender: string): void;
  /** The sender has a key no more. */
  remove(key: Uint8Array, sender: string): void;
  /** Peers that have a key. */
  providers(key: Uint8Array): readonly KadPeer[];
  /** Peers near a key or an id, nearest first. */
  closest(key: Uint8Array): readonly KadPeer[];
}

/** Bytes of a key: a multihash of SHA-256. */
const KEY_BYTES = 34;

/**
 * Answers one peer.
 *
 * @param stream Open, and nobody else's
 * @param sender Its id
 * @param answers What is known
 */
export function serveKad(
  stream: Stream,
  sender: string,
  answers: KadAnswers,
): void {
  const line = pipe(stream, {
    maxBytes: MAX_KAD_BYTES,
    onMessage(bytes) {
      const message = decodeKad(bytes);
      if (!message) throw new SyntaxError("Cannot answer: unknown message");
      const answer = answerTo(message, sender, answers);
      if (answer) line.send([answer]);
    },
    onEnd() {},
  });
}

function answerTo(
  { type, key }: KadMessage,
  sender: string,
  answers: KadAnswers,
): Uint8Array | null {
  const isKey = key.length === KEY_BYTES;
  if (!isKey && type !== "ping" && type !== "findNode") {
    throw new SyntaxError(`Cannot use a key of ${key.length} bytes`);
  }
  switch (type) {
    case "addProvider":
      answers.add(key, sender);
      return null;
    case "removeProvider":
      answers.remove(key, sender);
      return null;
    case "getProviders":
      return encodeKad({
        type,
        key,
        closer: answers.closest(key),
        providers: answers.providers(key),
      });
    case "findNode":
      return encodeKad({ type, key, closer: answers.closest(key) });
    case "ping":
      return encodeKad({ type, key });
  }
}
