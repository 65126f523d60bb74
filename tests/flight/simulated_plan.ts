/**
 * What is to happen to a simulated cluster, and how it went.
 *
 * @module
 */

import type { NetworkFaults } from "./simulated_network.ts";

/** What may befall a cluster. */
export const MISFORTUNES = [
  "crash", // A node is gone without a word, and back after a while.
  "amnesia", // A node forgets what it knew as home.
  "newcomer", // A node that nobody knew of comes, and is home for its share.
  "hang", // A node gets and writes no byte for a while, and answers.
  "starve", // Upstream gives a node's other downloads all bytes for a while.
  "break", // The upstream ends a node's download.
  "cut", // A node cannot reach another's content.
  "cancel", // A node gives a pull up.
  "collect", // A node has content no more, and tells nobody.
  "corrupt", // The upstream sends a wrong byte.
  "slow", // A node's link is slow, both ways, from the beginning to the end.
] as const;

/** One thing that may befall a cluster. */
export type Misfortune = typeof MISFORTUNES[number];

/** One cluster and what happens to it. Equal plans go equally. */
export interface Plan extends NetworkFaults {
  readonly seed: number;
  readonly nodes: number;
  readonly digests: number;
  readonly fanOut: number;
  /** Milliseconds within which all nodes begin. */
  readonly spreadMs: number;
  readonly misfortunes: readonly Misfortune[];
  /**
   * Bytes a ms that upstream gives to each download.
   *
   * @default {UPSTREAM_RATE}
   */
  readonly upstreamRate?: number;
}

/** How the flights of one digest went. */
export interface Flown {
  /** Times that a node was told to lead and went upstream. */
  readonly leads: number;
  /** Times that a node went upstream by itself. */
  readonly alone: number;
  /** Bytes that the registry sent, in sizes of the content. */
  readonly copies: number;
  /** Misfortunes that may have cost a copy. */
  readonly excuses: number;
}

/** How a plan went. */
export interface Outcome {
  readonly flown: readonly Flown[];
  /** Pulls of living nodes that did not end. */
  readonly waiting: readonly string[];
  /**
   * When the last pull of a node that is not slow ended, in ms after the last
   * misfortune and beginning.
   */
  readonly lastMs: number;
  /** The longest time that nodes took from each other in a circle, in ms. */
  readonly circleMs: number;
  /** Flights that homes still knew when all was over. */
  readonly left: number;
  /** The most members and holders that a home knew of one flight. */
  readonly most: number;
}
