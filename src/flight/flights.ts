/**
 * A node's side of flights: it asks homes, tells them how far it is, and is home
 * itself for the digests that are nearest to it.
 *
 * @module
 */

import { type Clock, REAL_CLOCK } from "../async/clock.ts";
import type { PullState } from "../content/pull_state.ts";
import type { Log } from "../log.ts";
import type { Digest } from "../oci/digest.ts";
import type { PeerFetch } from "../routing/peer_fetch.ts";
import type { Peer, Router } from "../routing/router.ts";
import { emptyHome, expire, handle, type HomeOptions } from "./home.ts";
import { homesOf } from "./homes.ts";
import {
  type FlightMessage,
  type FlightReply,
  type JoinMessage,
  MAX_MESSAGES,
  MAX_PEERS,
} from "./messages.ts";
import { ownSpeed } from "./own_speed.ts";

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
  /** That of `failed` which gave no byte for long, but did not break off. */
  readonly stalled: string | null;
  /** Ends the question. */
  readonly signal: AbortSignal;
}

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
  readonly fetcher?: PeerFetch;
  /**
   * Time between reports, and until a part is over.
   *
   * @default {The real time}
   */
  readonly clock?: Clock;
}

/** A body by which this node takes a digest from others. */
export interface Seat {
  /** Bytes a second that its source gives while it has some; 0 while unknown. */
  link(): number;
  /** Home knows better: take it from others, or lead. */
  move(order: FlightReply): void;
}

/** Flights as the rest of a node sees them. */
export interface Flights {
  /**
   * Asks home what to do. It never rejects: with nobody to ask, it leads. When
   * its signal aborts, nothing is to be done.
   */
  join(request: JoinRequest): Promise<FlightReply>;
  /** Tells that this node takes a digest from another peer than the first told. */
  follows(digest: Digest, address: string): void;
  /** Tells by what body this node takes a digest, until it is disposed of. */
  sit(digest: Digest, seat: Seat): Disposable;
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

/**
 * Homes that are asked: one decides, the others add holders and leaders that they
 * know. Whoever leads tells all of them, so that the next home knows when the
 * first is late, gone, or new and knows nothing yet.
 */
const HOMES = 3;

/** Milliseconds that a lead waits for the other homes' word. */
const SECOND_WORD_MS = 150;

/** Milliseconds between two reports. */
const REPORT_MS = 1_000;

/** Milliseconds without a pull after which this node has left a flight. */
const LEAVE_MS = 3_000;

/** Milliseconds for which the end of a part is told again when nobody hears it. */
const UNHEARD_MS = 30_000;

/**
 * Milliseconds after its last byte from upstream for which a node still counts as
 * one that gets some: containerd writes in steps of 1 MiB, one in 1.7 s at 5
 * Mbit/s.
 */
const FLOWS_MS = 5_000;

/** Flights that a node takes part in at once; containerd pulls a few layers of a
 * few images. */
const MAX_PARTS = 1_024;

/** A home that has nothing to say. */
const NONE: FlightReply = { kind: "none" };

/** This node's part in one flight. */
interface Part {
  /** Whom it takes from; null when it goes upstream. */
  parent: string | null;
  /** When its pull was last seen, in ms. */
  seenAt: number;
  /** Bytes that it had then. */
  offset: number;
  /** Who gave the bytes, once the last one was handed on. */
  sources?: readonly string[];
  /** True when the pull was found to have ended without content. */
  corrupt?: boolean;
}

/** What there is to tell of one part. */
interface News {
  readonly digest: Digest;
  readonly part: Part;
  readonly message: FlightMessage;
}

/**
 * Makes a node's flights.
 *
 * @param deps Router, own pulls, log
 * @param options How this node decides as home
 * @returns The flights, which report only while they run
 */
export function flights(deps: FlightsDeps, options: HomeOptions): Flights {
  const { router, log, fetcher = fetch, clock = REAL_CLOCK } = deps;
  const home = emptyHome();
  const parts = new Map<Digest, Part>();
  let grewAt = -Infinity; // When bytes of any flight last came from upstream.
  const speed = ownSpeed(clock.now);
  const asking = new Map<Digest, number>(); // Joins under way, of each digest.
  const seats = new Map<Digest, Seat>(); // The last body of each digest.
  const end = new AbortController();

  const answer = (messages: readonly FlightMessage[]) =>
    messages.map((message) => handle(home, message, clock.now(), options));

  const isSelf = (peer: Peer) => peer.id === deps.id;
  const { send, ask, decide } = homesOf({ isSelf, answer, fetcher, log });

  /** This node's address, as others reach it; null while nobody has told. */
  const ownAddress = (homes: readonly Peer[]) =>
    homes.find(isSelf)?.address ?? router.self()?.address ?? null;

  async function join(request: JoinRequest): Promise<FlightReply> {
    const { signal, ...facts } = request;
    const failed = request.failed.slice(-MAX_PEERS); // The last ones count.
    const homes = router.nearest(request.digest, HOMES);
    const from = ownAddress(homes);
    // Alone, or not yet known by a name: nobody can follow, so nobody asks.
    if (!from) return alone(request);
    const message: JoinMessage = {
      kind: "join",
      from,
      peek: false,
      ...facts,
      failed,
    };
    // Home may send others here before its answer to this node is read.
    using _asking = request.mayLead ? asks(request.digest) : null;
    const [, ...others] = homes;
    // Only a lead is worth a second word; one who just looks asks one home.
    const words = request.mayLead
      ? others.map((peer) => ask(peer, { ...message, peek: true }, signal))
      : [];
    let reply = await decide(homes, message, signal) ?? alone(request);
    if (!("peers" in reply)) {
      const isNew = failed.length === 0 && !parts.has(request.digest);
      reply = await secondWord(words, isNew) ?? reply;
    }
    if (signal.aborted) return { kind: "none" };
    if (request.mayLead) take(request.digest, reply);
    if (reply.kind === "lead") sayLead(homes, message);
    return reply;
  }

  /** Tells all homes at once, not only when it is time to report. */
  function sayLead(homes: readonly Peer[], message: JoinMessage): void {
    const { digest, from, offset, total } = message;
    const news: FlightMessage = {
      kind: "progress",
      digest,
      from,
      parent: null,
      offset,
      total,
      flows: false,
      link: 0,
      best: 0,
    };
    for (const peer of homes) {
      send(peer, [news], end.signal).catch((error) => {
        log.debug("home was not told", { peer: peer.address, error });
      });
    }
  }

  /** Notes a join while it is under way. */
  function asks(digest: Digest): Disposable {
    asking.set(digest, (asking.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]() {
        const others = (asking.get(digest) ?? 0) - 1;
        if (others > 0) asking.set(digest, others);
        else asking.delete(digest);
      },
    };
  }

  /** Takes its place; told nothing, it goes upstream on its own. */
  function take(digest: Digest, reply: FlightReply): void {
    if (parts.size >= MAX_PARTS && !parts.has(digest)) return;
    const parent = "peers" in reply ? reply.peers[0] ?? null : null;
    const { offset } = parts.get(digest) ?? { offset: 0 };
    parts.set(digest, { parent, seenAt: clock.now(), offset });
  }

  /** What this node has to tell of one flight; null for nothing at the moment. */
  async function newsOf(digest: Digest, part: Part): Promise<News | null> {
    const from = ownAddress(router.nearest(digest, HOMES));
    const state = await pullState(digest);
    const silentMs = clock.now() - part.seenAt;
    if (state?.kind === "pulling") {
      const { parent } = part;
      const { offset, total } = state;
      const now = clock.now();
      if (parent === null && offset > part.offset) grewAt = now;
      speed.got(offset - part.offset);
      Object.assign(part, { seenAt: now, offset });
      if (from === null) return null;
      const flows = parent === null && now - grewAt <= FLOWS_MS;
      const link = parent === null
        ? speed.inflow()
        : speed.saw(seats.get(digest)?.link() ?? 0);
      const at = { parent, offset, total, flows, link, best: speed.best() };
      return {
        digest,
        part,
        message: { kind: "progress", digest, from, ...at },
      };
    }
    if (state?.kind === "unknown") part.seenAt = clock.now();
    if (state?.kind === "unknown") return null;
    if (silentMs > UNHEARD_MS) forget(digest, part);
    // Between an ingest's end and the commit there is a moment with neither.
    if (from === null || (!state && silentMs < LEAVE_MS)) return null;
    const message: FlightMessage = state
      ? { kind: "have", digest, from }
      : { kind: "gone", digest, from, corrupt: isCorrupt(digest, part) };
    return { digest, part, message };
  }

  /** A pull that ended after its last byte and left no content had wrong bytes. */
  function isCorrupt(digest: Digest, part: Part): boolean {
    if (!part.sources) return false;
    if (part.corrupt) return true;
    part.corrupt = true;
    log.warn("content was corrupt", { digest, sources: part.sources.join() });
    deps.onCorrupt?.(digest, part.sources);
    return true;
  }

  async function pullState(digest: Digest): Promise<PullState> {
    try {
      return await deps.pullState(digest);
    } catch (error) {
      log.debug("own pull cannot be seen", { digest, error });
      return { kind: "unknown" };
    }
  }

  /** Ends a part, unless this node has joined again meanwhile. */
  function forget(digest: Digest, part: Part): void {
    if (parts.get(digest) === part) parts.delete(digest);
  }

  async function reportAll(signal: AbortSignal): Promise<void> {
    const all = parts.entries().map(([digest, part]) => newsOf(digest, part));
    let news = (await Promise.all(all)).filter((one) => one !== null);
    const forAll = news.filter(isForAll);
    // Whoever joins asks the homes in this order, too.
    for (let rank = 0; rank < HOMES && news.length > 0; rank++) {
      const unheard = await tell(news, rank, signal);
      news = [...new Set([...unheard, ...forAll])];
    }
  }

  /** Tells the home of one rank of each flight; returns what nobody heard. */
  async function tell(
    news: readonly News[],
    rank: number,
    signal: AbortSignal,
  ): Promise<News[]> {
    const batches: { readonly peer: Peer; readonly batch: News[] }[] = [];
    const open = new Map<string, News[]>();
    const unheard: News[] = [];
    for (const one of news) {
      const peer = router.nearest(one.digest, HOMES)[rank];
      let batch = open.get(peer?.id ?? "");
      if (peer && (!batch || batch.length === MAX_MESSAGES)) {
        open.set(peer.id, batch = []);
        batches.push({ peer, batch });
      }
      (batch ?? unheard).push(one);
    }
    await Promise.all(batches.map(async ({ peer, batch }) => {
      try {
        const messages = batch.map(({ message }) => message);
        const replies = await send(peer, messages, signal);
        // Another home than the first knows too little to know better.
        batch.forEach((one, i) => heard(one, rank === 0 ? replies[i] : NONE));
      } catch (error) {
        log.debug("home was not told", { peer: peer.address, error });
        unheard.push(...batch);
      }
    }));
    return unheard;
  }

  /** Ends what is over, and obeys a home that knows a better place. */
  function heard({ digest, part, message }: News, reply = NONE): void {
    if (message.kind !== "progress") return forget(digest, part);
    const seat = seats.get(digest);
    if (!seat || reply.kind === "none") return;
    // It may have moved meanwhile, or go upstream by now.
    const isThere = parts.get(digest) === part && part.parent !== null &&
      part.parent === message.parent;
    if (!isThere) return;
    log.debug("home knows a better place", { digest, decision: reply.kind });
    part.parent = "peers" in reply ? reply.peers[0] ?? null : null;
    seat.move(reply);
  }

  return {
    join,
    answer,
    sit(digest, seat) {
      seats.set(digest, seat);
      return {
        [Symbol.dispose]() {
          speed.saw(seat.link());
          if (seats.get(digest) === seat) seats.delete(digest);
        },
      };
    },
    follows(digest, address) {
      const part = parts.get(digest);
      if (part) part.parent = address;
    },
    takesPart: (digest) => parts.has(digest) || asking.has(digest),
    delivered(digest, sources) {
      const part = parts.get(digest);
      if (!part) return;
      part.seenAt = clock.now();
      part.sources = sources;
    },
    async run(signal) {
      signal.addEventListener("abort", () => end.abort(), { once: true });
      while (!signal.aborted) {
        await clock.sleep(REPORT_MS, signal);
        if (signal.aborted) return;
        expire(home, clock.now());
        await reportAll(signal);
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

/** Every home must know who leads, and what is corrupt: each may be asked next. */
function isForAll({ part, message }: News): boolean {
  return part.parent === null || (message.kind === "gone" && message.corrupt);
}

/**
 * Holders that another home knows: better than a lead. And who leads already, of
 * whom this home has not heard: it is new, or the others were late. Only for an
 * asker that was told of nobody before, or home has a reason.
 */
async function secondWord(
  words: readonly Promise<FlightReply | null>[],
  isNew: boolean,
): Promise<FlightReply | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), SECOND_WORD_MS);
  const known = words.map(async (word) => {
    const reply = await word;
    if (reply?.kind === "holders") return reply;
    if (reply?.kind === "follow" && isNew) return reply;
    throw new Error("nobody"); // So that any() waits for one who knows more.
  });
  const first = await Promise.race([
    Promise.any(known).catch(() => null),
    late,
  ]);
  clearTimeout(timer);
  return first;
}
