/**
 * Places in a flight's tree, and which of them is better.
 *
 * @module
 */

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
}

/**
 * Orders places: who has more than the asker, then room, few hops, few to share
 * with, many bytes.
 *
 * @param a One place
 * @param b Another
 * @returns Negative when the first is better
 */
export function byPlace(a: Place, b: Place): number {
  return Number(b.isAhead) - Number(a.isAhead) ||
    Number(b.hasRoom) - Number(a.hasRoom) || a.depth - b.depth ||
    a.children - b.children || compareOffsets(b.offset, a.offset);
}

function compareOffsets(a: number, b: number): number {
  return a === b ? 0 : a - b; // Infinity - Infinity is no number.
}
