/**
 * What a home knows of one flight: who takes part and where, who has all, and
 * from whom bytes can be hoped for.
 *
 * @module
 */

import { newPace, type Pace } from "./pace.ts";
import { MAX_DEPTH } from "./tree.ts";

/** One node in a flight. */
export interface Member {
  /** Whom it takes from; null when it goes upstream. */
  parent: string | null;
  offset: number;
  /** When it was last heard of, in ms. */
  heardAt: number;
  /**
   * When it last had more bytes than before, or was given its place, in ms;
   * `NEVER` once it failed somebody and had not grown for a while.
   */
  grewAt: number;
  /** True when it told of its place itself: it knows what it does. */
  settled: boolean;
  /** When this home gave it its place, in ms; `NEVER` when it told of one itself. */
  placedAt: number;
  /** True when it gets bytes from upstream, of this flight or of another. */
  flows: boolean;
  /** True when its bytes may be those that turned out corrupt: nobody's parent. */
  suspect: boolean;
  /** How fast it gets bytes in this place. */
  pace: Pace;
  /**
   * Bytes a second that its parent gives while it has some; of one that goes
   * upstream, what it gets of all flights together. 0 while unknown.
   */
  link: number;
  /** Bytes a second that the best of its sources gave lately, in any flight. */
  best: number;
  /** Times that this home gave it a better place of itself. */
  moves: number;
}

/** One content that the cluster is fetching. */
export interface Flight {
  readonly members: Map<string, Member>;
  /** Complete copies, and when each was last heard of, in ms. */
  readonly holders: Map<string, number>;
  /** Size of the content in bytes, 0 while unknown. */
  total: number;
  /** Bytes a ms of the fastest that has all of it by now. */
  fastest: number;
  /** When somebody was last sent upstream beside a slow leader, in ms. */
  secondAt: number;
}

/** Somebody who is to have a place. */
export interface Asker {
  readonly from: string;
  /** Bytes that it has. */
  readonly offset: number;
}

/** A time before all others. */
export const NEVER: number = -Infinity;

/**
 * A member that had no new byte for so long, in ms, is no parent any more. A
 * leader's first byte may take that long where the registry is slow.
 */
export const STALLED_MS = 20_000;

/**
 * A member that grew within this time, in ms, is alive whatever others say. It
 * is between the second in which one that grows tells so again and the 2 s after
 * which a follower gives a silent parent up, with room for slow messages.
 */
const FRESH_MS = 1_500;

/** Bytes by which nodes that got all that there was differ: both write in steps. */
export const LEVEL_BYTES: number = 2 << 20;

/** Members of one flight and holders of one, at most. */
const MAX_MEMBERS = 2_048;
const MAX_HOLDERS = 32;

/**
 * Makes a flight.
 *
 * @returns A flight that nobody takes part in
 */
export function newFlight(): Flight {
  return {
    members: new Map(),
    holders: new Map(),
    total: 0,
    fastest: 0,
    secondAt: NEVER,
  };
}

/**
 * Makes a member that has just got its place.
 *
 * @param parent Whom it takes from; null for upstream
 * @param offset Bytes that it has
 * @param now Milliseconds
 * @returns A member of which nothing else is known
 */
export function newMember(
  parent: string | null,
  offset: number,
  now: number,
): Member {
  return {
    parent,
    offset,
    heardAt: now,
    grewAt: now,
    settled: false,
    placedAt: now,
    flows: false,
    suspect: false,
    pace: newPace(offset, now),
    link: 0,
    best: 0,
    moves: 0,
  };
}

/**
 * Notes a complete copy, and forgets the oldest when there are many.
 *
 * @param flight Is changed
 * @param address Who has it
 * @param now Milliseconds
 */
export function addHolder(
  { holders }: Flight,
  address: string,
  now: number,
): void {
  holders.delete(address);
  holders.set(address, now);
  const [oldest] = holders.keys();
  if (holders.size > MAX_HOLDERS && oldest) holders.delete(oldest);
}

/**
 * Tells whether one more node can be kept in mind.
 *
 * @param flight The flight
 * @param address Who
 * @returns True also for one that is known
 */
export function hasRoomFor({ members }: Flight, address: string): boolean {
  return members.has(address) || members.size < MAX_MEMBERS;
}

/**
 * Gives a node its place.
 *
 * @param flight Is changed
 * @param node Who, and how many bytes it has
 * @param parent Whom it takes from; null for upstream
 * @param now Milliseconds
 * @returns False when there are too many to keep in mind
 */
export function settle(
  flight: Flight,
  { from, offset }: Asker,
  parent: string | null,
  now: number,
): boolean {
  if (!hasRoomFor(flight, from)) return false;
  const known = flight.members.get(from);
  flight.members.set(from, {
    ...newMember(parent, offset, now),
    settled: known?.settled ?? false,
    flows: known?.flows ?? false,
    // What it has of a corrupt flight it keeps, unless it begins anew.
    suspect: offset > 0 && (known?.suspect ?? false),
    moves: known?.moves ?? 0,
    best: known?.best ?? 0,
    // One that asks again and stays is as fast as it was.
    ...known?.parent === parent && { pace: known.pace, link: known.link },
  });
  return true;
}

/**
 * Tells whether a node grew just now.
 *
 * @param member The node
 * @param now Milliseconds
 * @returns Whether it did
 */
export function isFresh({ grewAt }: Member, now: number): boolean {
  return now - grewAt <= FRESH_MS;
}

/**
 * Tells whether a node grows, as far as an asker can tell that has so many bytes
 * and gets no more: who is just as far has got none since, whatever it reported.
 *
 * @param member The node
 * @param offset Bytes that the asker has
 * @param now Milliseconds
 * @returns Whether it does
 */
export function isAhead(member: Member, offset: number, now: number): boolean {
  const lag = offset - member.offset;
  const isLevel = offset > 0 && lag >= 0 && lag <= LEVEL_BYTES;
  return isFresh(member, now) && !isLevel;
}

/**
 * Tells whether bytes after an offset can be hoped for from a node: it grew just
 * now, or nothing speaks against it and whom it takes from.
 *
 * @param flight The flight
 * @param address The node
 * @param offset Bytes that are there already
 * @param now Milliseconds
 * @returns Whether there is hope
 */
export function gives(
  flight: Flight,
  address: string,
  offset: number,
  now: number,
): boolean {
  if (flight.members.get(address)?.suspect) return false;
  let at: string | null = address;
  for (let hops = 0; at !== null && hops <= MAX_DEPTH; hops++) {
    const member = flight.members.get(at);
    // A holder, or somebody of whom this home has not heard yet.
    if (!member || flight.holders.has(at)) return true;
    if (member.grewAt > member.placedAt && isAhead(member, offset, now)) {
      return true;
    }
    if (now - member.grewAt > STALLED_MS) return false;
    at = member.parent;
  }
  return at === null;
}

/**
 * Finds how fast the fastest gets its bytes, be it done by now.
 *
 * @param flight The flight
 * @returns Bytes a ms; 0 while nobody's pace is known
 */
export function fastestOf({ members, fastest }: Flight): number {
  return members.values().reduce(
    (most, { pace }) => Math.max(most, pace.rate ?? 0),
    fastest,
  );
}
