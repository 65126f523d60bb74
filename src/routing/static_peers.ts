/**
 * A router for a handful of nodes that are named in the configuration: it asks
 * each known peer. Nothing is advertised, so nothing can be stale.
 *
 * @module
 */

import { abortScope } from "../async/abort_scope.ts";
import { sleep } from "../async/backoff.ts";
import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";
import type { Log } from "../log.ts";
import { type PeerFetch, StrangerError } from "./peer_fetch.ts";
import { holdsPath, PEER_PATH, type PeerIdentity } from "./peer_paths.ts";
import { byRendezvous } from "./rendezvous.ts";
import type { Peer, Readiness, Router } from "./router.ts";

/** Who the peers are. */
export interface StaticPeersOptions {
  /** This process's id, as its peer listener tells it. */
  readonly id: string;
  /**
   * `host:port` of every node's peer listener. The same list on every node,
   * this one included, so that all agree on who is nearest to a key.
   */
  readonly addresses: readonly string[];
  /**
   * Where this node is, as its peer listener tells it.
   *
   * @default {""}
   */
  readonly zone?: string;
  /** Hears when a peer goes or comes. */
  readonly log: Log;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: PeerFetch;
}

/** The router, which knows nobody until it runs. */
export interface StaticPeers extends Router {
  /** Learns who lives, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Milliseconds for the answer to "do you have this". It takes about 1 ms; peers
 * on a busy machine took 450 ms (lab, containerd 2.3), and to leave them out
 * then is a 404 in the middle of a pull, which parallel ranges do not survive.
 * A peer that is late once is left out until it answers a probe again, so a
 * dead one costs this wait once.
 */
const HOLDS_MS = 1_000;

/** Milliseconds for the answer to "who are you": a node under load may be slow. */
const PROBE_MS = 1_000;

/** Milliseconds between two rounds of probes. */
const PROBE_INTERVAL_MS = 2_000;

/**
 * Boot: a peer that never answered may come any moment. For so long, in ms, it
 * is asked more often and counts as near to keys, so that nodes that start
 * together soon agree.
 */
const BOOT_MS = 10_000;
const BOOT_PROBE_INTERVAL_MS = 200;

/**
 * Milliseconds for which a peer that is away still counts as near to keys. Nodes
 * notice at different times, and as long as they differ they ask different
 * homes: a busy peer that is late once must not change anything.
 */
const AWAY_GRACE_MS = 3_000;

/**
 * Makes the router.
 *
 * @param options Who the peers are
 * @returns The router
 */
export function staticPeers(options: StaticPeersOptions): StaticPeers {
  const { addresses, log, zone = "", fetcher = fetch } = options;
  const live = new Map<string, Peer>(); // By address.
  const awaySince = new Map<string, number>(); // Those that were live once.
  const bootUntil = performance.now() + BOOT_MS;
  let probed = false;

  async function probe(address: string, signal: AbortSignal): Promise<void> {
    try {
      const { id, zone } = await identify(fetcher, address, signal);
      if (!live.has(address)) log.info("peer is there", { peer: address, id });
      live.set(address, { id, address, ...(zone ? { zone } : {}) });
      awaySince.delete(address);
    } catch (error) {
      if (signal.aborted) return;
      lost(address, error);
      // Whoever else listens there will not become a Peili by waiting.
      if (error instanceof StrangerError) awaySince.set(address, -Infinity);
    }
  }

  function lost(address: string, error: unknown): void {
    if (!live.delete(address)) return;
    awaySince.set(address, performance.now());
    log.warn("peer is away", { peer: address, error });
  }

  /** Who counts as near to keys: the live, and who may be live to others. */
  function* members(): Iterable<Peer> {
    const now = performance.now();
    for (const address of addresses) {
      const away = awaySince.get(address);
      const maybe = away === undefined
        ? now < bootUntil
        : now - away < AWAY_GRACE_MS;
      const peer = live.get(address);
      if (peer) yield peer;
      else if (maybe) yield { id: address, address };
    }
  }

  async function holds(
    peer: Peer,
    key: string,
    signal: AbortSignal,
  ): Promise<Peer | null> {
    using limit = deadline(signal, HOLDS_MS);
    try {
      const url = `http://${peer.address}${holdsPath(key)}`;
      const response = await fetcher(url, {
        method: "HEAD",
        signal: limit.signal,
      });
      await response.body?.cancel();
      return response.ok ? peer : null;
    } catch (error) {
      if (!signal.aborted) lost(peer.address, error);
      return null;
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await Promise.all(addresses.map((address) => probe(address, signal)));
        probed = true;
        const boots = live.size < addresses.length &&
          performance.now() < bootUntil;
        await sleep(
          boots ? BOOT_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS,
          signal,
        );
      }
    },
    ready(): Readiness {
      if (probed) return { ready: true };
      return { ready: false, reason: "static peers have not been asked yet" };
    },
    lookup(key, { signal }) {
      const others = [...live.values()].filter(({ id }) => id !== options.id);
      return asTheyCome(others, {
        ask: (peer, end) => holds(peer, key, end),
        isFirst: (peer) => (peer.zone ?? "") === zone,
        signal,
      });
    },
    self: () => live.values().find(({ id }) => id === options.id) ?? null,
    nearest: (key, count) =>
      byRendezvous(key, members(), ({ address }) => address)
        .slice(0, count),
    advertise: () => Promise.resolve(),
    withdraw: () => Promise.resolve(),
    forget() {/* it is asked again each time */},
  };
}

async function identify(
  fetcher: PeerFetch,
  address: string,
  signal: AbortSignal,
): Promise<PeerIdentity> {
  using limit = deadline(signal, PROBE_MS);
  const response = await fetcher(`http://${address}${PEER_PATH}`, {
    signal: limit.signal,
  });
  const identity = parseIdentity(await readIdentity(response.body));
  if (response.ok && identity) return identity;
  const why = response.status === 401
    ? "it refuses this node"
    : "it is no Peili";
  throw new StrangerError(`Cannot use ${address} as peer: ${why}`);
}

/** An identity is some 50 bytes; whoever sends more is no Peili. */
const MAX_IDENTITY_BYTES = 1_024;

async function readIdentity(
  body: ReadableStream<Uint8Array> | null,
): Promise<string> {
  try {
    return await readText(body, MAX_IDENTITY_BYTES);
  } catch (error) {
    if (error instanceof RangeError) return "";
    throw error; // Late or broken: it may be a Peili all the same.
  }
}

function parseIdentity(text: string): PeerIdentity | null {
  try {
    const { id, zone } = JSON.parse(text) ?? {};
    if (typeof id !== "string") return null;
    return { id, ...(typeof zone === "string" ? { zone } : {}) };
  } catch {
    return null; // Not JSON: something else listens there.
  }
}

interface Asking<P, T> {
  readonly ask: (item: P, signal: AbortSignal) => Promise<T | null>;
  /** Who comes first, however late: the others wait for all of these. */
  readonly isFirst: (item: P) => boolean;
  readonly signal: AbortSignal;
}

/** Asks all at once and yields what is not null, fastest first. */
async function* asTheyCome<P, T>(
  items: readonly P[],
  { ask, isFirst, signal }: Asking<P, T>,
): AsyncIterable<T> {
  using end = abortScope(signal);
  const asked = new Map(items.map((item, index) => [
    index,
    ask(item, end.signal).then((answer) => ({ index, answer })),
  ]));
  let firsts = items.filter(isFirst).length;
  const held: T[] = [];
  while (asked.size > 0 && !signal.aborted) {
    const { index, answer } = await Promise.race(asked.values());
    asked.delete(index);
    const item = items[index];
    const first = item !== undefined && isFirst(item);
    if (first) firsts--;
    if (answer !== null && (first || firsts === 0)) yield answer;
    else if (answer !== null) held.push(answer);
    if (firsts === 0 && !signal.aborted) yield* held.splice(0);
  }
}
