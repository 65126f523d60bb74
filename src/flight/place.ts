/**
 * Places in a flight's tree, and which of them is better.
 *
 * @module
 */

import { type Asker, fastestOf, type Flight, gives } from "./flight.ts";
import { isSlow } from "./pace.ts";
import { childrenOf, depthOf, descendants, MAX_DEPTH } from "./tree.ts";

/** Somebody to take from. */
export interface Place {
  readonly address: string;
  /** Whether it has all. */
  readonly complete: boolean;
  /** Hops to a root. */
  readonly depth: number;
  /** How many take from it. */
  readonly children: number;
  /** Whether it may give to one more. */
  readonly hasRoom: boolean;
  /** Bytes that it has; Infinity for all. */
  readonly offset: number;
  /** Whether it has at least as many bytes as the asker. */
  readonly isAhead: boolean;
  /** Whether it gets bytes much slower than others. */
  readonly isSlow: boolean;
}

/** Below this size, in bytes, hops cost more than streams. */
const SMALL_BYTES = 4 << 20;

/** Streams that one node gives for what is small, at least. */
const SMALL_FAN_OUT = 8;

/**
 * Finds all who may be a node's parent.
 *
 * @param flight The flight
 * @param asker Who looks for one, who failed it, and how many bytes it has
 * @param fanOut Streams that one node gives for content whose size matters
 * @param now Milliseconds
 * @returns The places, best first
 */
export function placesFor(
  flight: Flight,
  { from, failed, offset: wanted }: Asker & {
    readonly failed: readonly string[];
  },
  fanOut: number,
  now: number,
): Place[] {
  const below = descendants(flight.members, from);
  const excluded = (address: string) =>
    address === from || failed.includes(address) || below.has(address);
  const fastest = fastestOf(flight);
  const slow = (address: string) => {
    const pace = flight.members.get(address)?.pace;
    return !!pace && isSlow(pace, fastest);
  };
  const children = childrenOf(
    flight.members,
    // One that is slow takes little.
    (address) => address !== from && !slow(address),
  );
  const isSmall = flight.total > 0 && flight.total <= SMALL_BYTES;
  const room = isSmall ? Math.max(SMALL_FAN_OUT, fanOut) : fanOut;
  const place = (address: string, depth: number, offset: number): Place => {
    const count = children.get(address) ?? 0;
    return {
      address,
      complete: offset === Infinity,
      depth,
      children: count,
      hasRoom: count < room,
      offset,
      isAhead: offset >= wanted,
      isSlow: slow(address),
    };
  };
  const holders = flight.holders.keys()
    .filter((address) => !excluded(address))
    .map((address) => place(address, 0, Infinity));
  const growing = flight.members.entries()
    .filter(([address]) =>
      !excluded(address) && !flight.holders.has(address) &&
      gives(flight, address, wanted, now)
    )
    .map(([address, { offset }]) =>
      place(address, depthOf(flight.members, address), offset)
    )
    .filter(({ depth }) => depth < MAX_DEPTH);
  return [...holders, ...growing].sort(byPlace);
}

/** Who has more than the asker, then room, who is not slow, few hops, few to
 * share with, many bytes. */
function byPlace(a: Place, b: Place): number {
  return Number(b.isAhead) - Number(a.isAhead) ||
    Number(b.hasRoom) - Number(a.hasRoom) ||
    Number(a.isSlow) - Number(b.isSlow) || a.depth - b.depth ||
    a.children - b.children || compareOffsets(b.offset, a.offset);
}

function compareOffsets(a: number, b: number): number {
  return a === b ? 0 : a - b; // Infinity - Infinity is no number.
}
