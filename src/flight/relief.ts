/**
 * Slow is as bad as dead: who is held back by a slow node is given a better
 * place, and when it is the leader that is slow, one more goes upstream.
 *
 * @module
 */

import {
  fastestOf,
  type Flight,
  LEVEL_BYTES,
  type Member,
  settle,
} from "./flight.ts";
import type { FlightReply } from "./messages.ts";
import { isSlow, newPace } from "./pace.ts";
import { placesFor } from "./place.ts";
import { descendants, wayUp } from "./tree.ts";

/** Milliseconds that a pull must still need to be worth a move. */
const MOVE_MS = 5_000;

/** Milliseconds that it must still need to be worth a second copy. */
const LEAD_MS = 10_000;

/**
 * Milliseconds from a node's place to its next one, doubled by each move: one that
 * is slow itself is slow everywhere, but the word may have been lost, too.
 */
const REST_MS = 2_000;

/** Milliseconds after which somebody is sent upstream anew, if nobody went. */
const AGAIN_MS = 5_000;

/**
 * A leader's link is what limits it when it gives what it has so many times as
 * fast at most as it gets it: at 20 Mbit/s both ways 0.2 to 1.3 times were
 * measured in the lab, at a registry of 5 Mbit/s and nodes of 1 Gbit/s 412 times.
 */
const LINK_FACTOR = 2;

/** And only when another's link is so many times as fast: where all links are
 * alike, a second copy would share what the first one gets. */
const FASTER_FACTOR = 4;

/**
 * Finds something better for a node that has told how far it is.
 *
 * @param flight Is changed when there is something
 * @param address The node
 * @param fanOut Streams that one node gives
 * @param now Milliseconds
 * @returns Whom to take from from now on, or to lead; null to go on as it is
 */
export function relieve(
  flight: Flight,
  address: string,
  fanOut: number,
  now: number,
): FlightReply | null {
  const member = flight.members.get(address);
  // Without bytes it waits, and asks again by itself.
  if (!member || member.parent === null || member.offset === 0) return null;
  if (member.suspect || member.pace.rate === null) return null;
  return move(flight, address, member, fanOut, now) ??
    lead(flight, address, member, now);
}

/** To somebody who is ahead and not slow, if there is one. */
function move(
  flight: Flight,
  from: string,
  member: Member,
  fanOut: number,
  now: number,
): FlightReply | null {
  const { parent, offset, pace, moves, placedAt } = member;
  const isLong = flight.total - offset > MOVE_MS * (pace.rate ?? 0);
  if (parent === null || !isLong) return null;
  if (now - placedAt < REST_MS * 2 ** moves) return null;
  const fastest = fastestOf(flight);
  if (!isSlow(pace, fastest)) return null;
  // Whoever is next to the slow one moves, and all who take from it with it.
  const above = parentOf(flight, parent);
  if (isSlowOne(flight, parent, fastest) && isSlowOne(flight, above, fastest)) {
    return null;
  }
  const [best] = placesFor(
    flight,
    { from, failed: [parent], offset },
    fanOut,
    now,
  )
    .filter((place) => !place.isSlow && place.offset - offset > LEVEL_BYTES);
  if (!best) return null;
  settle(flight, { from, offset }, best.address, now);
  const placed = flight.members.get(from);
  if (placed) placed.moves++;
  // They were held back by the same node: they may be fast from here on.
  for (const address of descendants(flight.members, from)) {
    const member = flight.members.get(address);
    if (member) member.pace = newPace(member.offset, now);
  }
  const peers = [best.address];
  return best.complete
    ? { kind: "holders", peers }
    : { kind: "follow", peers, depth: best.depth + 1 };
}

function parentOf({ members }: Flight, address: string): string | null {
  return members.get(address)?.parent ?? null;
}

function isSlowOne(
  { members }: Flight,
  address: string | null,
  fastest: number,
): boolean {
  const member = address === null ? undefined : members.get(address);
  return !!member && isSlow(member.pace, fastest);
}

/** Upstream, when the leader is all that there is and its link is slow. */
function lead(
  flight: Flight,
  from: string,
  { offset }: Member,
  now: number,
): FlightReply | null {
  const { members, total } = flight;
  const root = wayUp(members, from).at(-1);
  const leader = root === undefined ? undefined : members.get(root);
  const rate = leader?.pace.rate ?? null;
  if (root === undefined || !leader || rate === null) return null;
  // Whoever has all of it is a better place: all move there in their turn.
  if (flight.holders.size > 0 || now - flight.secondAt < AGAIN_MS) return null;
  if (total - offset <= LEAD_MS * rate || hasOtherLeader(flight, root)) {
    return null;
  }
  const given = linkFrom(flight, root);
  const gets = Math.max(1_000 * rate, leader.link); // Also of other flights.
  if (given === 0 || given > LINK_FACTOR * gets) return null;
  if (firstFaster(flight, root, FASTER_FACTOR * given) !== from) return null;
  settle(flight, { from, offset }, null, now);
  flight.secondAt = now;
  return { kind: "lead" };
}

function hasOtherLeader({ members }: Flight, root: string): boolean {
  return members.entries().some(([address, { parent }]) =>
    parent === null && address !== root
  );
}

/** Bytes a second that a node gives to the one that gets most of it; 0 while
 * nobody has told. */
function linkFrom({ members }: Flight, address: string): number {
  return members.values().filter(({ parent }) => parent === address)
    .reduce((most, { link }) => Math.max(most, link), 0);
}

/** The node nearest to the root whose own link is so fast. */
function firstFaster(
  { members }: Flight,
  root: string,
  link: number,
): string | null {
  let first: string | null = null;
  let least = Infinity;
  for (const [address, member] of members) {
    if (member.best < link || member.suspect || address === root) continue;
    const way = wayUp(members, address);
    if (way.at(-1) !== root || way.length >= least) continue;
    first = address;
    least = way.length;
  }
  return first;
}
