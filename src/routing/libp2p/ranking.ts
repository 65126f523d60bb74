/**
 * Whom to ask first: this node's zone, then who is near by, and at random among
 * equals, so that no holder is everybody's first.
 *
 * @module
 */

/** What is known of a candidate. */
export interface Candidate {
  /** Its zone; empty for none. */
  readonly zone: string;
  /** Round trip in milliseconds; null: not measured. */
  readonly rttMs: number | null;
}

/** Round trips below this, in ms, say more of a busy moment than of distance. */
const NEAR_MS = 2;

/**
 * Orders candidates.
 *
 * @param candidates Who has it
 * @param zone This node's zone; empty for none
 * @param random From 0 to 1
 * @returns A new array, best first
 */
export function ranked<T extends Candidate>(
  candidates: Iterable<T>,
  zone: string,
  random: () => number = Math.random,
): T[] {
  const all = [...candidates];
  const typical = median(all.flatMap(({ rttMs }) => rttMs ?? []));
  return all.map((candidate) => ({
    candidate,
    // Without zones all are in one.
    away: Number(candidate.zone !== zone),
    distance: distanceClass(candidate.rttMs ?? typical),
    lot: random(),
  })).sort((a, b) =>
    a.away - b.away || a.distance - b.distance || a.lot - b.lot
  ).map(({ candidate }) => candidate);
}

/** Twice as far is another class; less is the same distance. */
function distanceClass(rttMs: number): number {
  return Math.max(0, Math.round(Math.log2(rttMs / NEAR_MS)));
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NEAR_MS;
}
