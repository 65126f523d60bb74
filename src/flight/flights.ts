/**
 * A node's side of flights: it asks homes, tells them how far it is, and is home
 * itself for the digests that are nearest to it.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { sleep } from "../async/backoff.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import type { Peer, Router } from "../routing/router.ts";
import { emptyHome, expire, handle, type HomeOptions } from "./home.ts";
import {
  decodeReplies,
  encodeMessages,
  type FlightMessage,
  type FlightReply,
  FLIGHTS_PATH,
  type JoinMessage,
  MAX_MESSAGES,
} from "./messages.ts";

/** What a node wants to know about a digest. */
export interface JoinRequest {
  readonly digest: Digest;
  /** True when this node has an open ingest of it. */
  readonly mayLead: boolean;
  /** Bytes that this node has. */
  readonly offset: number;
  /** Size of the content in bytes, 0 while unknown. */
  readonly total: number;
  /** Addresses of complete copies that this node found. */
  readonly holders: readonly string[];
  /** Addresses that failed this node for this digest. */
  readonly failed: readonly string[];
  /** Ends the question. */
  readonly signal: AbortSignal;
}

/** How far this node's own pull of a digest is; null when there is none. */
export type PullState =
  | {
    readonly kind: "pulling";
    readonly offset: number;
    readonly total: number;
  }
  | { readonly kind: "complete" }
  | null;

/** What flights need of other parts. */
export interface FlightsDeps {
  /** Tells who is home. */
  readonly router: Router;
  /** This node's id, as its peers know it. */
  readonly id: string;
  /** Tells how far this node's pull is. */
  readonly pullState: (digest: Digest) => Promise<PullState>;
  /** Hears of content that was corrupt, and of all who gave some of it. */
  readonly onCorrupt?: (digest: Digest, sources: readonly string[]) => void;
  /** Hears what is decided. */
  readonly log: Log;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/** Flights as the rest of a node sees them. */
export interface Flights {
  /** Asks home what to do. It never rejects: with nobody to ask, it leads. */
  join(request: JoinRequest): Promise<FlightReply>;
  /**
   * Tells that this node's containerd was given the last byte, and by whom. If
   * its pull then ends without content, the bytes were wrong: containerd checks
   * them all at the end, and says nothing to its mirror.
   */
  delivered(digest: Digest, sources: readonly string[]): void;
  /** Tells whether this node leads or follows. */
  takesPart(digest: Digest): boolean;
  /** Takes messages of other nodes, as home. */
  answer(messages: readonly FlightMessage[]): FlightReply[];
  /** Tells homes how far this node is, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Homes that are asked: one decides, the others add holders that they know. */
const HOMES = 3;

/**
 * Milliseconds for one home's answer. A wrong lead costs a whole download, a
 * slow answer does not: twice this is still little.
 */
const ANSWER_MS = 500;

/** Milliseconds that a lead waits for the other homes' word on holders. */
const SECOND_WORD_MS = 150;

/** Milliseconds between two reports. */
const REPORT_MS = 1_000;

/** Milliseconds without a pull after which this node has left a flight. */
const LEAVE_MS = 3_000;

/** Flights that a node takes part in at once; containerd pulls a few layers of a
 * few images. */
const MAX_PARTS = 1_024;

/** This node's part in one flight. */
interface Part {
  parent: string | null;
  /** When its pull was last seen, in ms. */
  seenAt: number;
  /** Who gave the bytes, once the last one was handed on. */
  sources?: readonly string[];
}

/**
 * Makes a node's flights.
 *
 * @param deps Router, own pulls, log
 * @param options How this node decides as home
 * @returns The flights, which report only while they run
 */
export function flights(deps: FlightsDeps, options: HomeOptions): Flights {
  const { router, log, fetcher = fetch } = deps;
  const home = emptyHome();
  const parts = new Map<Digest, Part>();
  const now = () => performance.now();

  const answer = (messages: readonly FlightMessage[]) =>
    messages.map((message) => handle(home, message, now(), options));

  const isSelf = (peer: Peer) => peer.id === deps.id;

  /** This node's address, as others reach it; null while nobody has told. */
  const ownAddress = (homes: readonly Peer[]) =>
    homes.find(isSelf)?.address ?? router.self()?.address ?? null;

  async function send(
    peer: Peer,
    messages: readonly FlightMessage[],
    signal: AbortSignal,
  ): Promise<FlightReply[]> {
    if (isSelf(peer)) return answer(messages);
    using limit = deadline(signal, ANSWER_MS);
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
    const replies = decodeReplies(await response.text());
    if (replies.length === messages.length) return replies;
    throw new TypeError(`Cannot ask ${peer.address}: replies are missing`);
  }

  /** One home's reply, or null: it is away, or knows nothing of flights. */
  async function ask(
    peer: Peer,
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null> {
    try {
      return (await send(peer, [message], signal))[0] ?? null;
    } catch (error) {
      if (!signal.aborted) {
        log.debug("home does not answer", { peer: peer.address, error });
      }
      return null;
    }
  }

  /** The decision of the nearest home that answers. */
  async function decide(
    homes: readonly Peer[],
    message: JoinMessage,
    signal: AbortSignal,
  ): Promise<FlightReply | null> {
    for (const peer of homes) {
      // Asked twice before the next one is: two homes mean two leaders.
      const reply = await ask(peer, message, signal) ??
        (isSelf(peer) ? null : await ask(peer, message, signal));
      if (reply || signal.aborted) return reply;
    }
    return null;
  }

  async function join(request: JoinRequest): Promise<FlightReply> {
    const { signal, ...facts } = request;
    const homes = router.nearest(request.digest, HOMES);
    const from = ownAddress(homes);
    // Alone, or not yet known by a name: nobody can follow, so nobody asks.
    if (!from) return alone(request);
    const message: JoinMessage = { kind: "join", from, peek: false, ...facts };
    const [, ...others] = homes;
    // Only a lead is worth a second word; one who just looks asks one home.
    const words = request.mayLead
      ? others.map((peer) => ask(peer, { ...message, peek: true }, signal))
      : [];
    let reply = await decide(homes, message, signal) ?? alone(request);
    if (reply.kind === "lead") reply = await secondWord(words) ?? reply;
    if (request.mayLead) take(request.digest, reply);
    return reply;
  }

  function take(digest: Digest, reply: FlightReply): void {
    if (reply.kind === "none" || parts.size >= MAX_PARTS) return;
    const parent = reply.kind === "lead" ? null : reply.peers[0] ?? null;
    parts.set(digest, { parent, seenAt: now() });
  }

  /** What this node has to tell of one flight, and whether it still flies. */
  async function report(
    digest: Digest,
    part: Part,
    from: string,
  ): Promise<FlightMessage | null> {
    const state = await deps.pullState(digest);
    if (state?.kind === "pulling") {
      part.seenAt = now();
      const { offset, total } = state;
      return {
        kind: "progress",
        digest,
        from,
        parent: part.parent,
        offset,
        total,
      };
    }
    if (state) {
      parts.delete(digest);
      return { kind: "have", digest, from };
    }
    // Between an ingest's end and the commit there is a moment with neither.
    if (now() - part.seenAt < LEAVE_MS) return null;
    parts.delete(digest);
    if (part.sources) deps.onCorrupt?.(digest, part.sources);
    return { kind: "gone", digest, from, corrupt: part.sources !== undefined };
  }

  async function reportAll(signal: AbortSignal): Promise<void> {
    const batches = new Map<string, { peer: Peer; batch: FlightMessage[] }>();
    for (const [digest, part] of parts) {
      const [peer, ...others] = router.nearest(digest, HOMES);
      const from = peer && ownAddress([peer, ...others]);
      const message = from && await report(digest, part, from);
      if (!peer || !message) continue;
      const { batch } = batches.get(peer.address) ?? { batch: [] };
      batches.set(peer.address, { peer, batch: [...batch, message] });
    }
    await Promise.all(
      batches.values().map(({ peer, batch }) =>
        send(peer, batch.slice(0, MAX_MESSAGES), signal).catch((error) =>
          log.debug("home was not told", { peer: peer.address, error })
        )
      ),
    );
  }

  return {
    join,
    answer,
    takesPart: (digest) => parts.has(digest),
    delivered(digest, sources) {
      const part = parts.get(digest);
      if (part) parts.set(digest, { ...part, seenAt: now(), sources });
    },
    async run(signal) {
      while (!signal.aborted) {
        await sleep(REPORT_MS, signal);
        expire(home, now());
        if (parts.size > 0) await reportAll(signal);
      }
    },
  };
}

/** With nobody to ask: upstream, as without a mirror. */
function alone({ holders, failed, mayLead }: JoinRequest): FlightReply {
  const peers = holders.filter((address) => !failed.includes(address));
  if (peers.length > 0) return { kind: "holders", peers };
  return mayLead ? { kind: "lead" } : { kind: "none" };
}

/** Holders that another home knows: better than a lead. */
async function secondWord(
  words: readonly Promise<FlightReply | null>[],
): Promise<FlightReply | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), SECOND_WORD_MS);
  const holders = words.map(async (word) => {
    const reply = await word;
    if (reply?.kind === "holders") return reply;
    throw new Error("no holder"); // So that any() waits for one that has.
  });
  const first = await Promise.race([
    Promise.any(holders).catch(() => null),
    late,
  ]);
  clearTimeout(timer);
  return first;
}
