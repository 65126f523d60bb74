/**
 * A home's state machine: who leads, who follows whom, and what the next one is
 * told. No clock, no socket: `now` comes with each message.
 *
 * A flight is a tree. Its roots are complete holders and those who go upstream;
 * everybody else has one parent. A newcomer gets the shallowest place with room.
 * State is soft: whoever takes part tells again every second, what is not told
 * again is forgotten, and a home that forgot learns from the next messages. Who
 * is held back by a slow one is told of a better place when it tells.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import {
  addHolder,
  type Flight,
  gives,
  hasRoomFor,
  isAhead,
  isFresh,
  LEVEL_BYTES,
  type Member,
  NEVER,
  newFlight,
  newMember,
  settle,
  STALLED_MS,
} from "./flight.ts";
import type {
  FlightMessage,
  FlightReply,
  JoinMessage,
  ProgressMessage,
} from "./messages.ts";
import { lastRate, newPace, nextPace } from "./pace.ts";
import { placesFor } from "./place.ts";
import { relieve } from "./relief.ts";
import { MAX_DEPTH } from "./tree.ts";

/** How a home decides. */
export interface HomeOptions {
  /** Streams that one node gives for content whose size matters. */
  readonly fanOut: number;
}

/** All flights of one home. The caller owns it; only `handle` and `expire` change it. */
export interface HomeState {
  /** Flights by their digest, the one unheard of for longest first. */
  readonly flights: Map<Digest, Flight>;
}

/** Members tell every second; one that was silent for so long, in ms, is gone. */
export const MEMBER_TTL_MS = 5_000;

/**
 * For so long, in ms, a home's own word on a member's place counts more than the
 * member's, whose report may have been on its way when it was given the place.
 */
const PLACED_MS = 1_000;

/** Nodes that go upstream for one flight at once, at most. */
const MAX_LEADERS = 2;

/** A holder is believed for so long, in ms; one that is asked and has it not is
 * forgotten at once. */
export const HOLDER_TTL_MS = 300_000;

/** What is kept in mind of one that failed somebody and is no member yet. */
const FAILED = { grewAt: NEVER, placedAt: NEVER };

/** The answer to what is no question. */
const NOTHING: FlightReply = { kind: "none" };

/** Flights at most. */
const MAX_FLIGHTS = 4_096;

/** Parents that one reply names: one to take, the others in case it is gone. */
const PARENTS_TOLD = 3;

/**
 * Makes the state of a home that knows nothing.
 *
 * @returns The state
 */
export function emptyHome(): HomeState {
  return { flights: new Map() };
}

/**
 * Takes one message.
 *
 * @param state Is changed
 * @param message What a node said
 * @param now Milliseconds of a clock that does not go back
 * @param options How to decide
 * @returns The answer; `none` to what is no question and calls for nothing
 */
export function handle(
  state: HomeState,
  message: FlightMessage,
  now: number,
  options: HomeOptions,
): FlightReply {
  const { digest, from } = message;
  const known = state.flights.get(digest);
  if (known) forget(known, now);
  switch (message.kind) {
    case "join":
      return message.mayLead && !message.peek
        ? join(heard(state, digest), message, now, options)
        : look(known ?? newFlight(), message, now);
    case "progress":
      return progress(heard(state, digest), message, now, options);
    case "have":
      have(heard(state, digest), from, now);
      break;
    case "gone":
      known?.members.delete(from);
      known?.holders.delete(from);
      if (known && message.corrupt) end(known);
  }
  return NOTHING;
}

/**
 * Forgets what nobody told again.
 *
 * @param state Is changed
 * @param now Milliseconds of the same clock
 */
export function expire(state: HomeState, now: number): void {
  for (const [digest, flight] of state.flights) {
    forget(flight, now);
    if (flight.members.size === 0 && flight.holders.size === 0) {
      state.flights.delete(digest);
    }
  }
}

/** Finds or makes the flight and puts it last in line to be forgotten. */
function heard(state: HomeState, digest: Digest): Flight {
  const flight = state.flights.get(digest) ?? newFlight();
  state.flights.delete(digest);
  state.flights.set(digest, flight);
  if (state.flights.size > MAX_FLIGHTS) {
    const [oldest] = state.flights.keys();
    if (oldest) state.flights.delete(oldest);
  }
  return flight;
}

/**
 * Ends a flight whose content was corrupt somewhere. Its members tell on until
 * they have found out themselves: they are kept, so that nobody is sent to them.
 */
function end({ members, holders }: Flight): void {
  holders.clear();
  for (const member of members.values()) member.suspect = true;
}

function forget({ members, holders }: Flight, now: number): void {
  for (const [address, { heardAt }] of members) {
    if (now - heardAt > MEMBER_TTL_MS) members.delete(address);
  }
  for (const [address, heardAt] of holders) {
    if (now - heardAt > HOLDER_TTL_MS) holders.delete(address);
  }
}

/** Takes how far a node is; the answer is a better place, if there is one. */
function progress(
  flight: Flight,
  { from, parent, offset, total, flows, link, best }: ProgressMessage,
  now: number,
  { fanOut }: HomeOptions,
): FlightReply {
  // One that has all of it has told so since: this was on its way for long.
  if (flight.holders.has(from) || !hasRoomFor(flight, from)) return NOTHING;
  const known = flight.members.get(from);
  flight.total ||= total;
  const placed = known && now - known.placedAt < PLACED_MS;
  flight.members.set(from, {
    ...known ?? { ...newMember(parent, offset, now), placedAt: NEVER },
    parent: placed ? known.parent : parent,
    offset,
    heardAt: now,
    grewAt: known && offset <= known.offset ? known.grewAt : now,
    settled: true,
    flows,
    pace: known ? nextPace(known.pace, offset, now) : newPace(offset, now),
    link,
    best,
  });
  return relieve(flight, from, fanOut, now) ?? NOTHING;
}

/** Takes that a node has all of it. */
function have(flight: Flight, from: string, now: number): void {
  const { members, total } = flight;
  const member = members.get(from);
  members.delete(from);
  addHolder(flight, from, now);
  if (!member || total === 0) return;
  const rate = lastRate(member.pace, total, now);
  flight.fastest = Math.max(flight.fastest, rate);
}

function join(
  flight: Flight,
  message: JoinMessage,
  now: number,
  options: HomeOptions,
): FlightReply {
  const { from, offset, total } = message;
  const failed = message.failed.filter((address) =>
    !isOutdated(flight, from, address) &&
    !(address === message.stalled && isStarved(flight, address, offset, now))
  );
  for (const address of message.holders) hearsay(flight, address, now);
  for (const address of failed) distrust(flight, address, offset, now);
  flight.holders.delete(from); // It would not ask.
  flight.total ||= total;

  const places = placesFor(flight, { ...message, failed }, options.fanOut, now);
  const [best] = places;
  if (best) {
    settle(flight, message, best.address, now);
    const peers = places.slice(0, PARENTS_TOLD).map(({ address }) => address);
    return best.complete
      ? { kind: "holders", peers }
      : { kind: "follow", peers, depth: best.depth + 1 };
  }
  const mayLead = leadersBeside(flight, from, now) < MAX_LEADERS;
  // On its own or for all, it goes upstream: others may take from it.
  const settled = settle(flight, message, null, now);
  return { kind: mayLead && settled ? "lead" : "none" };
}

/** The asker says that a peer has all of it; one that still pulls knows better. */
function hearsay(flight: Flight, address: string, now: number): void {
  const pulls = (flight.members.get(address)?.grewAt ?? NEVER) > NEVER;
  if (!pulls) addHolder(flight, address, now);
}

/**
 * Whether a peer was given a new place after the asker had its own: then it may
 * have failed with all those above it, and gives again by now. Without this, a
 * stall would make a leader of everybody in the tree.
 */
function isOutdated(flight: Flight, from: string, address: string): boolean {
  const asker = flight.members.get(from);
  const peer = flight.members.get(address);
  return !!asker && !!peer && peer.placedAt > asker.placedAt;
}

/**
 * Whether a peer gives nothing because upstream gives it bytes of other flights
 * first: a slow link is shared unevenly, at 5 Mbit/s one of three layers stood
 * for 6 s. To fetch it twice would only share the link more.
 */
function isStarved(
  flight: Flight,
  address: string,
  offset: number,
  now: number,
): boolean {
  let at: string | null = address;
  for (let hops = 0; at !== null && hops <= MAX_DEPTH; hops++) {
    const member = flight.members.get(at);
    if (!member || member.suspect) return false;
    // It has more, and does not give it.
    if (member.offset > offset + LEVEL_BYTES) return false;
    if (member.parent === null) {
      return member.flows && now - member.grewAt <= STALLED_MS;
    }
    at = member.parent;
  }
  return false;
}

/**
 * A peer failed somebody. One that still grows is fine for the others; another
 * is kept in mind, so that nobody is sent to those who wait for it.
 */
function distrust(
  flight: Flight,
  address: string,
  offset: number,
  now: number,
): void {
  const held = flight.holders.delete(address);
  const member = flight.members.get(address);
  if (member && !isAhead(member, offset, now)) member.grewAt = NEVER;
  if (member || !held || !hasRoomFor(flight, address)) return;
  flight.members.set(address, { ...newMember(null, 0, now), ...FAILED });
}

/**
 * For one that only looks: a holder, or somebody who has bytes; for one whom
 * another home may tell to lead, whoever leads. Nothing is recorded.
 */
function look(
  flight: Flight,
  { from, failed, peek, holders, offset }: JoinMessage,
  now: number,
): FlightReply {
  const isOther = (address: string) =>
    address !== from && !failed.includes(address);
  const complete = [
    ...[...flight.holders.keys()].reverse(),
    ...peek ? [] : holders, // Another home's answer is to be its own.
  ].filter(isOther);
  if (complete.length > 0) {
    const peers = [...new Set(complete)].slice(0, PARENTS_TOLD);
    return { kind: "holders", peers };
  }
  const growing = flight.members.entries()
    .filter(([address, member]) =>
      (peek ? leads(address, member, from) : member.offset > 0) &&
      isOther(address) && gives(flight, address, offset, now)
    )
    .toArray()
    .sort(([, a], [, b]) => b.offset - a.offset)
    .map(([address]) => address);
  return growing.length > 0
    ? { kind: "follow", peers: growing.slice(0, PARENTS_TOLD) }
    : { kind: "none" };
}

/**
 * Whether a node leads, whatever another home tells the asker. One that has not
 * said so itself may be hearing of the asker right now: of two such the smaller
 * address counts, or each would follow the other.
 */
function leads(address: string, member: Member, asker: string): boolean {
  return member.parent === null && (member.settled || address < asker);
}

/**
 * Others that go upstream and grow. Nobody may lead beside two: beside one it
 * may, because it asks only when it cannot reach that one.
 */
function leadersBeside(flight: Flight, from: string, now: number): number {
  return flight.members.entries().filter(([address, member]) =>
    address !== from && member.parent === null && !member.suspect &&
    isFresh(member, now)
  ).toArray().length;
}
