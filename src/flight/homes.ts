/**
 * Talking to homes: what a node says to them, and who of them decides.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { hedge } from "../async/hedge.ts";
import { readText } from "../async/read_text.ts";
import type { Log } from "../log.ts";
import type { PeerFetch } from "../routing/peer_fetch.ts";
import type { Peer } from "../routing/router.ts";
import {
  decodeReplies,
  encodeMessages,
  type FlightMessage,
  type FlightReply,
  FLIGHTS_PATH,
  type JoinMessage,
  MAX_BATCH_BYTES,
} from "./messages.ts";

/** What talking to homes needs of other parts. */
export interface HomesDeps {
  /** Tells this node. */
  readonly isSelf: (peer: Peer) => boolean;
  /** What this node answers as home. */
  readonly answer: (messages: readonly FlightMessage[]) => FlightReply[];
  /** How requests are made. */
  readonly fetcher: PeerFetch;
  /** Hears who does not answer. */
  readonly log: Log;
}

/** The homes as a node talks to them. */
export interface Homes {
  /**
   * Sends messages to one, this node perhaps.
   *
   * @throws {Error} If it does not answer in time, or not to each
   */
  send(
    peer: Peer,
    messages: readonly FlightMessage[],
    signal: AbortSignal,
  ): Promise<FlightReply[]>;
  /** One home's reply, or null: it is away, or knows nothing of flights. */
  ask(
    peer: Peer,
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null>;
  /** The decision of the first that answers; null when nobody does. */
  decide(
    homes: readonly Peer[],
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null>;
}

/**
 * Milliseconds after which a home is told the same again, and twice this until
 * the next one is asked. A wrong lead costs a whole download, a slow answer does
 * not.
 */
const ANSWER_MS = 500;

/**
 * Makes the talk of one node.
 *
 * @param deps This node, requests, log
 * @returns The homes
 */
export function homesOf(deps: HomesDeps): Homes {
  const { isSelf, answer, fetcher, log } = deps;

  async function send(
    peer: Peer,
    messages: readonly FlightMessage[],
    signal: AbortSignal,
    ms = ANSWER_MS,
  ): Promise<FlightReply[]> {
    if (isSelf(peer)) return answer(messages);
    using limit = deadline(signal, ms);
    const response = await fetcher(`http://${peer.address}${FLIGHTS_PATH}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: encodeMessages(messages),
      signal: limit.signal,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`Cannot ask ${peer.address}: status ${response.status}`);
    }
    const replies = decodeReplies(
      await readText(response.body, MAX_BATCH_BYTES),
    );
    if (replies.length === messages.length) return replies;
    throw new TypeError(`Cannot ask ${peer.address}: replies are missing`);
  }

  async function ask(
    peer: Peer,
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null> {
    try {
      return (await send(peer, [message], signal, 2 * ANSWER_MS))[0] ?? null;
    } catch (error) {
      if (!signal.aborted) {
        log.debug("home does not answer", { peer: peer.address, error });
      }
      return null;
    }
  }

  async function decide(
    homes: readonly Peer[],
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null> {
    for (const peer of homes) {
      const reply = await askTwice(peer, message, signal);
      if (reply || signal.aborted) return reply;
    }
    return null;
  }

  /**
   * Asked twice before the next one is: two homes mean two leaders. The first
   * answer counts, be it late.
   */
  async function askTwice(
    peer: Peer,
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null> {
    if (isSelf(peer)) return await ask(peer, message, signal);
    const { value, timedOut } = await hedge<Peer, FlightReply>(
      twice(peer),
      (peer, end) => ask(peer, message, end),
      () => {/* a reply has nothing to free */},
      {
        delayMs: ANSWER_MS,
        budgetMs: 2 * ANSWER_MS,
        maxAttempts: 2,
        signal,
      },
    );
    if (timedOut) log.debug("home does not answer", { peer: peer.address });
    return value;
  }

  return { send, ask, decide };
}

async function* twice(peer: Peer): AsyncIterable<Peer> {
  yield peer;
  yield peer;
}
