/**
 * All members of the network that this node knows of: one word on each, the
 * newest. No clock, no socket: `now` comes with each call.
 *
 * Whoever cannot be reached is told to be down, under the sequence number that
 * it had; if it lives it hears so, takes a higher number and tells all. Members
 * that are down are remembered for a while, so that old news does not bring them
 * back.
 *
 * @module
 */

import type { MemberRecord } from "./member.ts";
import { closest, type Position } from "./position.ts";

/** A member, and where it is among keys. */
export interface Member {
  /** The newest word on it. */
  readonly record: MemberRecord;
  /** Where it is among keys. */
  readonly position: Position;
  /** When that word came, in ms. */
  readonly since: number;
}

/** What a member did. */
export type MemberChange = "up" | "down" | "changed";

/** The members that are known. */
export interface Members {
  /** This node. */
  self(): Member;
  /** Changes what this node says of itself. */
  change(facts: Partial<MemberRecord>): void;
  /**
   * Takes news.
   *
   * @returns What was new
   */
  merge(news: readonly MemberRecord[], now: number): MemberRecord[];
  /** Nobody can reach a member: it is down until it says otherwise. */
  down(id: string, now: number): void;
  /** A member that lives; this node is one. */
  get(id: string): Member | undefined;
  /** All that live, this node included. */
  alive(): Iterable<Member>;
  /** Those that are down, the latest last. */
  lost(): Iterable<Member>;
  /** How many live, this node included. */
  readonly size: number;
  /** The nearest to a place, this node included, nearest first. */
  closest(target: Position, count: number): Member[];
  /** All that is known, for a node that knows less. */
  all(): MemberRecord[];
  /** A number that two nodes that know the same have in common. */
  hash(): number;
  /** Forgets those that have been down for long. */
  expire(now: number): void;
}

/** What the members need of other parts. */
export interface MembersDeps {
  /** This node. */
  readonly self: MemberRecord;
  /** Tells where an id is. */
  readonly positionOf: (id: string) => Position;
  /** Hears what is to be told to others. */
  readonly onNews: (record: MemberRecord) => void;
  /** Hears of other members that come, go or change. */
  readonly onChange: (member: Member, change: MemberChange) => void;
}

/** Members at most, alive or down: four times what one network is made for. */
const MAX_MEMBERS = 4_096;

/**
 * Milliseconds for which one that is down is remembered: longer than any node
 * that was cut off keeps it for alive.
 */
const DOWN_TTL_MS = 600_000;

/**
 * Makes the members.
 *
 * @param deps This node, and who hears of the others
 * @returns The members: this node
 */
export function members(deps: MembersDeps): Members {
  const { onNews, onChange, positionOf } = deps;
  const known = new Map<string, Member>(); // The others, alive and down.
  let self = member(deps.self, 0);
  let live = 0;
  let hash: number | null = null;

  function member(record: MemberRecord, now: number): Member {
    const position = known.get(record.id)?.position ?? positionOf(record.id);
    return { record, position, since: now };
  }

  function change(facts: Partial<MemberRecord>): void {
    const seq = facts.seq ?? self.record.seq + 1;
    self = { ...self, record: { ...self.record, ...facts, seq } };
    hash = null;
    if (self.record.address !== "") onNews(self.record);
  }

  /** Takes one word; tells whether it was new. */
  function take(record: MemberRecord, now: number): boolean {
    if (record.id === self.record.id) {
      const { seq } = self.record;
      const stale = record.seq > seq || (record.down && record.seq === seq);
      if (stale) change({ seq: record.seq + 1 });
      return false;
    }
    const before = known.get(record.id);
    if (before && !isNewer(record, before.record)) return false;
    if (!before && known.size >= MAX_MEMBERS) return false;
    if (record.address === "") return false; // It does not know itself yet.
    if (!record.down) replaceAt(record, now);
    put(record, now);
    return true;
  }

  /** A process that was started anew has another id, and the old address. */
  function replaceAt({ address, id }: MemberRecord, now: number): void {
    for (const other of [...known.values()]) {
      const { record } = other;
      if (record.address === address && record.id !== id && !record.down) {
        put({ ...record, down: true }, now);
      }
    }
  }

  function put(record: MemberRecord, now: number): void {
    const before = known.get(record.id);
    const was = before !== undefined && !before.record.down;
    const is = !record.down;
    const next = member(record, now);
    known.delete(record.id); // So that the latest is last.
    known.set(record.id, next);
    live += Number(is) - Number(was);
    hash = null;
    onNews(record);
    if (is) onChange(next, was ? "changed" : "up");
    else if (was) onChange(next, "down");
  }

  function* alive(): Iterable<Member> {
    yield self;
    for (const other of known.values()) if (!other.record.down) yield other;
  }

  return {
    self: () => self,
    change,
    merge: (news, now) => news.filter((record) => take(record, now)),
    down(id, now) {
      const before = known.get(id);
      if (!before || before.record.down) return;
      put({ ...before.record, down: true }, now);
    },
    get(id) {
      if (id === self.record.id) return self;
      const other = known.get(id);
      return other?.record.down ? undefined : other;
    },
    alive,
    lost: () => known.values().filter(({ record }) => record.down === true),
    get size() {
      return live + 1;
    },
    closest: (target, count) => closest(target, alive(), count),
    all: () => [
      ...(self.record.address === "" ? [] : [self.record]),
      ...known.values().map(({ record }) => record),
    ],
    hash() {
      hash ??= [...alive()].map(({ record }) => record)
        .filter(({ address }) => address !== "") // Nobody is told of this one.
        .reduce((sum, record) => sum ^ mix(record), 0);
      return hash;
    },
    expire(now) {
      for (const [id, { record, since }] of known) {
        if (record.down && now - since > DOWN_TTL_MS) known.delete(id);
      }
    },
  };
}

function isNewer(record: MemberRecord, before: MemberRecord): boolean {
  if (record.seq !== before.seq) return record.seq > before.seq;
  return record.down === true && before.down !== true;
}

/** FNV-1a over what tells two words apart. */
function mix({ id, seq, address }: MemberRecord): number {
  let hash = 0x811c9dc5;
  for (const char of `${id} ${seq} ${address}`) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  }
  return hash;
}
