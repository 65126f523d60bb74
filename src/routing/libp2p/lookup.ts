/**
 * Finding who has a key: first what this node remembers itself, then the three
 * nearest peers, then once more those nearer that they know.
 *
 * @module
 */

import { deadline } from "../../async/deadline.ts";
import { unlessAborted } from "../../async/unless_aborted.ts";
import { readMultiaddr } from "./addresses.ts";
import { idText } from "./host.ts";
import { encodeKad, type KadMessage, type KadPeer } from "./kad_message.ts";
import type { Links } from "./links.ts";
import type { Member, Members } from "./members.ts";
import { compareDistance, positionOf } from "./position.ts";

/** What lookups need of other parts. */
export interface LookupDeps {
  readonly members: Members;
  readonly links: Links;
  /** Connects to a multiaddress; null when this node itself is there. */
  readonly meet: (
    multiaddr: string,
    signal: AbortSignal,
  ) => Promise<string | null>;
  /** Peers that keep a record. */
  readonly replicas: number;
}

/** Lookups in the network. */
export interface Lookups {
  /**
   * Asks who has a key. All who ask for one key meanwhile share the questions,
   * and none of them ends it for the others.
   *
   * @returns Ids of holders, as they are found, those of one answer together
   */
  find(key: Uint8Array, signal: AbortSignal): AsyncIterable<string[]>;
}

/** Peers that are asked at once. */
const ASKED = 3;

/**
 * Milliseconds for a lookup, and for one question. An answer takes 1 to 2 ms on a
 * connection that is there, 10 to 70 where one must be made.
 */
const LOOKUP_MS = 1_000;
const QUESTION_MS = 500;

/** Lookups under way at most; beyond, a key is unknown. */
const MAX_LOOKUPS = 4_096;

/** A lookup that several may wait for. */
interface Shared {
  readonly found: Set<string>;
  /** Resolves when there is more, or it is over. */
  more: PromiseWithResolvers<void>;
  over: boolean;
}

/** Makes lookups. */
export function lookups(deps: LookupDeps): Lookups {
  const { members, links, replicas } = deps;
  const running = new Map<string, Shared>();

  /** Three of those nearest, rather those that need no new connection. */
  function whom(key: Uint8Array): Member[] {
    const self = members.self().record.id;
    const near = members.closest(positionOf(key), replicas + 1)
      .filter(({ record }) => record.id !== self);
    const linked = near.filter(({ record }) => links.get(record.id));
    return (linked.length > 0 ? linked : near).slice(0, ASKED);
  }

  async function ask(
    member: Member,
    question: Uint8Array,
    signal: AbortSignal,
  ): Promise<KadMessage | null> {
    using limit = deadline(signal, QUESTION_MS);
    try {
      const link = await links.link(member, limit.signal);
      link.usedAt = performance.now();
      return await link.kad.ask(question, limit.signal);
    } catch {
      return null; // Slow or gone; the others are asked, too.
    }
  }

  async function askAll(
    asked: readonly Member[],
    question: Uint8Array,
    shared: Shared,
    signal: AbortSignal,
  ): Promise<KadPeer[]> {
    const closer = await Promise.all(asked.map(async (member) => {
      const answer = await ask(member, question, signal);
      add(shared, answer?.providers ?? []);
      return answer?.closer ?? [];
    }));
    return closer.flat();
  }

  /** Peers that were named, are nearer than all that were asked, and new here. */
  function nearer(
    key: Uint8Array,
    asked: readonly Member[],
    named: readonly KadPeer[],
  ): KadPeer[] {
    const target = positionOf(key);
    const [nearest] = asked;
    const seen = new Set<string>();
    return named.filter(({ id }) => {
      const text = idText(id);
      if (!text || seen.has(text) || members.get(text)) return false;
      seen.add(text);
      return !nearest ||
        compareDistance(target, positionOf(id), nearest.position) < 0;
    }).slice(0, ASKED);
  }

  /** Gets to know a peer that an answer named; undefined when it cannot. */
  async function meet(
    { addresses }: KadPeer,
    signal: AbortSignal,
  ): Promise<Member | undefined> {
    const [bytes] = addresses;
    const address = bytes && readMultiaddr(bytes);
    try {
      const id = address ? await deps.meet(address, signal) : null;
      return id === null ? undefined : members.get(id);
    } catch {
      return undefined; // Gone, or of another network.
    }
  }

  async function search(key: Uint8Array, shared: Shared): Promise<void> {
    using limit = deadline(new AbortController().signal, LOOKUP_MS);
    const question = encodeKad({ type: "getProviders", key });
    const asked = whom(key);
    const named = await askAll(asked, question, shared, limit.signal);
    const met = await Promise.all(
      nearer(key, asked, named).map((peer) => meet(peer, limit.signal)),
    ).then((found) => found.filter((member) => member !== undefined));
    if (met.length > 0) await askAll(met, question, shared, limit.signal);
  }

  function begin(key: Uint8Array): Shared {
    const name = key.toBase64();
    const known = running.get(name);
    if (known) return known;
    const shared: Shared = {
      found: new Set(),
      more: Promise.withResolvers(),
      over: running.size >= MAX_LOOKUPS,
    };
    if (shared.over) return shared;
    running.set(name, shared);
    search(key, shared).finally(() => {
      running.delete(name);
      shared.over = true;
      shared.more.resolve();
    });
    return shared;
  }

  return {
    async *find(key, signal) {
      const shared = begin(key);
      let told = 0;
      while (!signal.aborted) {
        const { more: { promise } } = shared;
        const found = [...shared.found].slice(told);
        told += found.length;
        if (found.length > 0) yield found;
        else if (shared.over) return;
        else {
          // Whoever asked may go; the lookup goes on for the others.
          await unlessAborted(promise, signal).catch(() => {});
        }
      }
    },
  };
}

/** Takes what one answer names, and wakes those who wait. */
function add(shared: Shared, providers: readonly KadPeer[]): void {
  for (const { id } of providers) {
    const text = idText(id);
    if (text) shared.found.add(text);
  }
  shared.more.resolve();
  shared.more = Promise.withResolvers();
}
