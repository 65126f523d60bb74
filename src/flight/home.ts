/**
 * A home's state machine: who leads, who follows whom, and what the next one is
 * told. No clock, no socket: `now` comes with each message.
 *
 * A flight is a tree. Its roots are complete holders and those who go upstream;
 * everybody else has one parent. A newcomer gets the shallowest place with room.
 * State is soft: whoever takes part tells again every second, what is not told
 * again is forgotten, and a home that forgot learns from the next messages.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import type {
  FlightMessage,
  FlightReply,
  JoinMessage,
  ProgressMessage,
} from "./messages.ts";

/** How a home decides. */
export interface HomeOptions {
  /** Streams that one node gives for content whose size matters. */
  readonly fanOut: number;
}

/** One node in a flight. */
interface Member {
  /** Whom it takes from; null when it goes upstream. */
  parent: string | null;
  offset: number;
  /** When it was last heard of, in ms. */
  heardAt: number;
  /** When it last had more bytes than before, or was given its place, in ms. */
  grewAt: number;
}

interface Flight {
  readonly members: Map<string, Member>;
  /** Complete copies, and when each was last heard of, in ms. */
  readonly holders: Map<string, number>;
  /** Size of the content in bytes, 0 while unknown. */
  total: number;
  /** Leads that were given beside a leader that was still growing. */
  extraLeads: number;
  heardAt: number;
}

/** All flights of one home. The caller owns it; only `handle` and `expire` change it. */
export interface HomeState {
  /** Flights by their digest, the one unheard of for longest first. */
  readonly flights: Map<Digest, Flight>;
}

/** Members tell every second; one that was silent for so long, in ms, is gone. */
export const MEMBER_TTL_MS = 5_000;

/**
 * A member that had no new byte for so long, in ms, is no parent any more. A
 * leader's first byte may take that long where the registry is slow.
 */
export const STALLED_MS = 20_000;

/** A member that grew within this time, in ms, is alive whatever others say. */
const FRESH_MS = 2_000;

/** A holder is believed for so long, in ms; one that is asked and has it not is
 * forgotten at once. */
export const HOLDER_TTL_MS = 300_000;

/** Flights, members of one and holders of one, at most. */
const MAX_FLIGHTS = 4_096;
const MAX_MEMBERS = 2_048;
const MAX_HOLDERS = 32;

/** Each hop costs 1 MiB of delay: containerd writes in such steps. */
export const MAX_DEPTH = 16;

/** Parents that one reply names: one to take, the others in case it is gone. */
const PARENTS_TOLD = 3;

/** Below this size, in bytes, hops cost more than streams: nobody's fan-out counts. */
const SMALL_BYTES = 4 << 20;

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
 * @returns The answer; `none` to what is no question
 */
export function handle(
  state: HomeState,
  message: FlightMessage,
  now: number,
  options: HomeOptions,
): FlightReply {
  const { digest, from } = message;
  if (message.kind === "gone" && message.corrupt) {
    state.flights.delete(digest);
    return { kind: "none" };
  }
  const flight = heard(state, digest, now);
  forget(flight, now);
  switch (message.kind) {
    case "join":
      return join(flight, message, now, options);
    case "progress":
      progress(flight, message, now);
      break;
    case "have":
      flight.members.delete(from);
      addHolder(flight, from, now);
      break;
    case "gone":
      flight.members.delete(from);
      flight.holders.delete(from);
  }
  return { kind: "none" };
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
function heard(state: HomeState, digest: Digest, now: number): Flight {
  const flight: Flight = state.flights.get(digest) ?? {
    members: new Map(),
    holders: new Map(),
    total: 0,
    extraLeads: 0,
    heardAt: now,
  };
  flight.heardAt = now;
  state.flights.delete(digest);
  state.flights.set(digest, flight);
  if (state.flights.size > MAX_FLIGHTS) {
    const [oldest] = state.flights.keys();
    if (oldest) state.flights.delete(oldest);
  }
  return flight;
}

function forget({ members, holders }: Flight, now: number): void {
  for (const [address, { heardAt }] of members) {
    if (now - heardAt > MEMBER_TTL_MS) members.delete(address);
  }
  for (const [address, heardAt] of holders) {
    if (now - heardAt > HOLDER_TTL_MS) holders.delete(address);
  }
}

function addHolder({ holders }: Flight, address: string, now: number): void {
  holders.delete(address);
  holders.set(address, now);
  const [oldest] = holders.keys();
  if (holders.size > MAX_HOLDERS && oldest) holders.delete(oldest);
}

function progress(
  flight: Flight,
  { from, parent, offset, total }: ProgressMessage,
  now: number,
): void {
  const known = flight.members.get(from);
  if (!known && flight.members.size >= MAX_MEMBERS) return;
  flight.total ||= total;
  flight.members.set(from, {
    parent,
    offset,
    heardAt: now,
    grewAt: known && offset <= known.offset ? known.grewAt : now,
  });
}

function join(
  flight: Flight,
  message: JoinMessage,
  now: number,
  options: HomeOptions,
): FlightReply {
  const { from, failed, offset, total } = message;
  for (const address of message.holders) addHolder(flight, address, now);
  for (const address of failed) distrust(flight, address, now);
  flight.holders.delete(from); // It would not ask.
  flight.total ||= total;
  if (message.peek) return holdersOf(flight, failed);
  if (!message.mayLead) return peek(flight, failed);

  const places = placesFor(flight, message, now, options);
  const [best] = places;
  if (best) {
    settle(flight, { from, parent: best.address, offset }, now);
    const peers = places.slice(0, PARENTS_TOLD).map(({ address }) => address);
    return { kind: best.complete ? "holders" : "follow", peers };
  }
  if (!grantsLead(flight, from, now)) return { kind: "none" };
  settle(flight, { from, parent: null, offset }, now);
  return { kind: "lead" };
}

/** A peer failed somebody. One that still grows is fine for the others. */
function distrust(flight: Flight, address: string, now: number): void {
  flight.holders.delete(address);
  const member = flight.members.get(address);
  if (member && !isFresh(member, now)) flight.members.delete(address);
}

function isFresh({ grewAt }: Member, now: number): boolean {
  return now - grewAt <= FRESH_MS;
}

function holdersOf(flight: Flight, failed: readonly string[]): FlightReply {
  const peers = [...flight.holders.keys()]
    .filter((address) => !failed.includes(address)).reverse();
  return peers.length > 0
    ? { kind: "holders", peers: peers.slice(0, PARENTS_TOLD) }
    : { kind: "none" };
}

/** For one that only looks: a holder, or somebody who has bytes. */
function peek(flight: Flight, failed: readonly string[]): FlightReply {
  const complete = holdersOf(flight, failed);
  if (complete.kind === "holders") return complete;
  const growing = flight.members.entries()
    .filter(([address, { offset }]) => offset > 0 && !failed.includes(address))
    .toArray()
    .sort(([, a], [, b]) => b.offset - a.offset)
    .map(([address]) => address);
  return growing.length > 0
    ? { kind: "follow", peers: growing.slice(0, PARENTS_TOLD) }
    : { kind: "none" };
}

/** Somebody to take from. */
interface Place {
  readonly address: string;
  readonly complete: boolean;
  readonly depth: number;
  readonly children: number;
  readonly hasRoom: boolean;
  readonly offset: number;
}

/** All who may be the asker's parent, best first. */
function placesFor(
  flight: Flight,
  { from, failed }: JoinMessage,
  now: number,
  { fanOut }: HomeOptions,
): Place[] {
  const below = descendants(flight, from);
  const excluded = (address: string) =>
    address === from || failed.includes(address) || below.has(address);
  const children = childrenOf(flight, from);
  const small = flight.total > 0 && flight.total <= SMALL_BYTES;
  const place = (address: string, depth: number, offset: number): Place => {
    const count = children.get(address) ?? 0;
    return {
      address,
      complete: offset === Infinity,
      depth,
      children: count,
      hasRoom: small || count < fanOut,
      offset,
    };
  };
  const holders = flight.holders.keys()
    .filter((address) => !excluded(address))
    .map((address) => place(address, 0, Infinity));
  const growing = flight.members.entries()
    .filter(([address, { grewAt }]) =>
      !excluded(address) && now - grewAt <= STALLED_MS
    )
    .map(([address, { offset }]) =>
      place(address, depthOf(flight, address), offset)
    )
    .filter(({ depth }) => depth < MAX_DEPTH);
  return [...holders, ...growing].sort(byPlace);
}

/** Room first, then few hops, then few to share with, then many bytes. */
function byPlace(a: Place, b: Place): number {
  return Number(b.hasRoom) - Number(a.hasRoom) || a.depth - b.depth ||
    a.children - b.children || compareOffsets(b.offset, a.offset);
}

function compareOffsets(a: number, b: number): number {
  return a === b ? 0 : a - b; // Infinity - Infinity is no number.
}

function settle(
  flight: Flight,
  { from, parent, offset }: {
    from: string;
    parent: string | null;
    offset: number;
  },
  now: number,
): void {
  if (flight.members.size >= MAX_MEMBERS && !flight.members.has(from)) return;
  flight.members.set(from, { parent, offset, heardAt: now, grewAt: now });
}

/**
 * Whether a node may go upstream for all. One always may when nobody else does;
 * beside a leader that still grows, which only the asker cannot reach, one more
 * in a flight may, and the next is on its own.
 */
function grantsLead(flight: Flight, from: string, now: number): boolean {
  const others = flight.members.entries().some(([address, member]) =>
    address !== from && member.parent === null && isFresh(member, now)
  );
  if (!others) return true;
  flight.extraLeads++;
  return flight.extraLeads === 1;
}

function childrenOf(flight: Flight, except: string): Map<string, number> {
  const children = new Map<string, number>();
  for (const [address, { parent }] of flight.members) {
    if (parent === null || address === except) continue;
    children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  return children;
}

/** Hops to a root; a parent that nobody knows is taken for one. */
function depthOf(flight: Flight, address: string): number {
  let depth = 0;
  let at: string | null = address;
  while (at !== null && depth <= MAX_DEPTH) {
    const parent: string | null = flight.members.get(at)?.parent ?? null;
    if (parent === null) return depth;
    depth++;
    at = parent;
  }
  return depth;
}

/** All who take from a node, and from those, and so on. */
function descendants(flight: Flight, root: string): Set<string> {
  const below = new Set<string>([root]);
  // Parents come in any order: repeat until nothing is added.
  for (let size = 0; size !== below.size;) {
    size = below.size;
    for (const [address, { parent }] of flight.members) {
      if (parent !== null && below.has(parent)) below.add(address);
    }
  }
  return below;
}
