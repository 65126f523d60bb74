/**
 * Telling the network what this node has: one batch to each peer that is near to
 * some of the keys, over the streams that are kept.
 *
 * Who was not reached, who is new and whose records will soon expire gets all of
 * this node's keys that belong to it, in the background.
 *
 * @module
 */

import { type Backoff, backoff, sleep } from "../../async/backoff.ts";
import { deadline } from "../../async/deadline.ts";
import type { Log } from "../../log.ts";
import { encodeKad } from "./kad_message.ts";
import type { Links } from "./links.ts";
import type { Member, Members } from "./members.ts";
import { CROWDED_LINKS } from "./keeper.ts";
import { kadKey, type Position, positionOf } from "./position.ts";
import type { Records } from "./records.ts";

/** What telling needs of other parts. */
export interface ProvideDeps {
  readonly members: Members;
  readonly links: Links;
  /** What this node remembers as one of the peers near a key. */
  readonly records: Records;
  /** This node's id as bytes. */
  readonly idBytes: Uint8Array;
  /** Peers that keep a record. */
  readonly replicas: number;
  readonly log: Log;
  /**
   * Milliseconds of a clock that does not go back.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** What this node has, and who was told. */
export interface Provide {
  /**
   * Has keys from now on. Peers that this node is connected to know when it
   * resolves; the others are told after that.
   *
   * @throws {Error} If there are peers to tell, and none was reached
   */
  add(keys: readonly string[]): Promise<void>;
  /** Has keys no more. */
  remove(keys: readonly string[]): Promise<void>;
  /** A peer came: it gets what belongs to it. */
  greet(id: string): void;
  /** Tells again what must be told again, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Seconds for which a record counts. */
export const VALIDITY_S = 600;

/** When a record does not expire: this node's own. */
const NEVER = 0xffff_ffff;

/**
 * Milliseconds between two tellings of a record at most: late once, it still
 * counts.
 */
const AGAIN_MS = 270_000;

/**
 * The part of that by which tellings come earlier, at random: the first ones any
 * part of it, as a node tells all peers in the moment in which it has read what it
 * has. Else they were all told again within a minute, every 4 (measured: 38,000 of
 * 44,000 records in one minute), at 1,000 nodes over some 900 connections that are
 * made for that.
 */
const FIRST_SPREAD = 1;
const LATER_SPREAD = 1 / 8;

/** Milliseconds for one peer's batch; 5,000 keys take 0.1 to 0.3 s. */
const BATCH_MS = 10_000;

/** Milliseconds between two looks for peers that are behind. */
const LOOK_MS = 500;

/**
 * Milliseconds until a peer that was not reached is told again: first, and at
 * most. The first may be one of two connections, the other of which was kept.
 */
const BEHIND = { initialMs: 1_000, maxMs: 30_000 };

/**
 * Milliseconds between two looks for records that will expire before long: a look
 * takes 70 ms with 2,000 keys and 1,000 members.
 */
const DUE_MS = 10_000;

/** Peers that are told at once. */
const MAX_AT_ONCE = 16;

/** Where the key stands in a message of either type. */
const KEY_AT = 4;

interface Own {
  readonly key: Uint8Array;
  readonly position: Position;
}

/** Keys for each peer, by its id. */
type Plan = Map<string, Own[]>;

/** Messages that go out together: some 30 KB. */
const PIECE = 256;

/** Makes what this node has: nothing yet. */
export function provide(deps: ProvideDeps): Provide {
  const { members, links, records, log } = deps;
  const { now = () => performance.now() } = deps;
  const own = new Map<string, Own>();
  const behind = new Map<string, number>(); // Peers, and not before when, in ms.
  const delays = new Map<string, Backoff>(); // Of peers that were not reached.
  const toldAt = new Map<string, number>(); // By peer, in ms.
  const provider = { id: deps.idBytes, addresses: [] };
  const empty = { key: new Uint8Array(34) };
  const addMessage = encodeKad({
    type: "addProvider",
    ...empty,
    providers: [provider],
  });
  const removeMessage = encodeKad({ type: "removeProvider", ...empty });
  const selfId = () => members.self().record.id;
  const end = new AbortController();

  /** Who is to be told of which keys. */
  function plan(
    keys: Iterable<Own>,
    whom: (id: string) => boolean = () => true,
  ): Plan {
    const all: Plan = new Map();
    for (const one of keys) {
      const { position } = one;
      for (
        const { record: { id } } of members.closest(position, deps.replicas)
      ) {
        if (id === selfId() || !whom(id)) continue;
        const batch = all.get(id);
        if (batch) batch.push(one);
        else all.set(id, [one]);
      }
    }
    return all;
  }

  /** Tells one peer; whom it does not reach is behind. */
  async function tell(
    id: string,
    keys: readonly Own[],
    template: Uint8Array,
  ): Promise<boolean> {
    const { signal } = end;
    using limit = deadline(signal, BATCH_MS);
    const member = members.get(id);
    if (!member) return false;
    const linked = links.get(id);
    try {
      const link = await links.link(member, limit.signal);
      link.usedAt = performance.now();
      await link.kad.tell(pieces(keys, template), limit.signal);
      if (links.size > CROWDED_LINKS && !linked) link.close();
      delays.delete(id);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      log.debug("peer could not be told", { peer: addressOf(member), error });
      const delay = delays.get(id) ?? backoff(BEHIND);
      delays.set(id, delay);
      if (members.get(id)) behind.set(id, now() + delay.next());
      return false;
    }
  }

  /** Tells all of a plan; tells how many were reached. */
  async function carryOut(plan: Plan, template: Uint8Array): Promise<number> {
    const batches = plan.entries();
    let reached = 0;
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, async () => {
      for (const [id, keys] of batches) {
        if (await tell(id, keys, template)) reached++;
      }
    }));
    return reached;
  }

  /** A peer is told; it counts as told some time ago, so that all differ. */
  function note(id: string): void {
    const spread = toldAt.has(id) ? LATER_SPREAD : FIRST_SPREAD;
    toldAt.set(id, now() - Math.random() * AGAIN_MS * spread);
  }

  async function catchUp(ids: ReadonlySet<string>): Promise<void> {
    const again = plan(own.values(), (id) => ids.has(id));
    ids.forEach(note);
    await carryOut(again, addMessage);
  }

  /** Peers whose records of this node's keys will expire before long. */
  function due(): string[] {
    const at = now();
    for (const known of [toldAt, delays]) {
      for (const id of known.keys()) if (!members.get(id)) known.delete(id);
    }
    return [...members.alive()].map(({ record }) => record.id)
      .filter((id) => at - (toldAt.get(id) ?? at) > AGAIN_MS);
  }

  return {
    async add(keys) {
      const added = keys.map((text) => {
        const key = kadKey(text);
        const entry = { key, position: positionOf(key) };
        own.set(text, entry);
        records.put(key, selfId(), NEVER);
        return entry;
      });
      const told = plan(added);
      const linked = [...told.keys()].filter((id) => links.get(id));
      if (linked.length > 0) {
        // Of 1,000 nodes most are not: to dial them all takes half a minute.
        for (const id of told.keys()) {
          if (links.get(id)) continue;
          told.delete(id);
          behind.set(id, 0);
        }
      }
      for (const id of told.keys()) if (!toldAt.has(id)) note(id);
      const reached = await carryOut(told, addMessage);
      if (reached > 0 || told.size === 0) return;
      throw new Error(`Cannot advertise: none of ${told.size} peers answers`);
    },
    async remove(keys) {
      const gone = keys.flatMap((text) => own.get(text) ?? []);
      keys.forEach((text) => own.delete(text));
      gone.forEach(({ key }) => records.remove(key, selfId()));
      await carryOut(plan(gone), removeMessage);
    },
    greet: (id) => void behind.set(id, 0),
    async run(signal) {
      signal.addEventListener("abort", () => end.abort(), { once: true });
      let lookAt = 0;
      while (!signal.aborted) {
        const at = now();
        if (at >= lookAt) {
          lookAt = at + DUE_MS;
          due().forEach((id) => behind.set(id, 0));
        }
        const ids = new Set<string>();
        for (const [id, notBefore] of behind) {
          if (notBefore > at) continue;
          behind.delete(id);
          if (members.get(id)) ids.add(id);
        }
        if (ids.size > 0 && own.size > 0) await catchUp(ids);
        await sleep(LOOK_MS, signal);
      }
    },
  };
}

/** Makes messages when they go out: 5,000 for 19 peers are 20 MB at once. */
function* pieces(
  keys: readonly Own[],
  template: Uint8Array,
): Iterable<Uint8Array[]> {
  for (let at = 0; at < keys.length; at += PIECE) {
    yield keys.slice(at, at + PIECE).map(({ key }) => {
      const message = template.slice();
      message.set(key, KEY_AT);
      return message;
    });
  }
}

function addressOf({ record }: Member): string {
  return record.address;
}
