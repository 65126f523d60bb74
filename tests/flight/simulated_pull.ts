/**
 * What a node of a simulated cluster is and has.
 *
 * @module
 */

import type {
  GoneMessage,
  HaveMessage,
  ProgressMessage,
} from "../../src/flight/messages.ts";
import type { Digest } from "../../src/oci/digest.ts";
import type { Station } from "./simulated_network.ts";

/** Milliseconds of one step of what flows. */
export const TICK_MS = 100;
/** As in `flights.ts`. */
export const REPORT_MS = 1_000;
/** A node tells that it has left a flight after so long, in ms. */
export const LEAVE_MS = 3_000;
/** A body that gives nothing for so long, in ms, is given up. */
export const STALL_MS = 2_000;
/** And so long before its first byte, while the parent answers. */
export const FIRST_BYTE_MS = 20_000;
/** A node that got a byte from upstream tells so for so long, in ms. */
export const FLOWS_MS = 5_000;
/** As long as a mirror sets a peer aside, in ms. */
export const ASIDE_MS = 10_000;
/** Size of each content. */
export const BYTES = 60_000_000;
/** What a registry gives, in bytes a ms; a download takes 2.4 s. */
export const UPSTREAM_RATE = 25_000;
/** What a peer gives, in bytes a ms. */
export const PEER_RATE = 60_000;

/** What the link of a slow node takes, each way, in bytes a ms: 10 Mbit/s. */
export const SLOW_RATE = 1_250;

/** A node of a simulated cluster. */
export interface Node {
  /** Its place in the network. */
  readonly station: Station;
  /** Its pulls, over or not. */
  readonly pulls: Map<Digest, Pull>;
  /** Complete copies. */
  readonly has: Set<Digest>;
  /** Whom it cannot reach. */
  readonly cut: Set<Node>;
  /** What its link takes, each way, in bytes a ms. */
  linkRate: number;
  /** Bytes a second that the best of its sources gave. */
  best: number;
  /** It gets and writes no byte before. */
  hangsUntil: number;
  /** When upstream last gave it bytes, of any flight. */
  gotAt: number;
}

/** One node's pull, from its beginning to what homes were told of its end. */
export interface Pull {
  readonly digest: Digest;
  state: "asks" | "follows" | "upstream" | "complete" | "given up";
  parent: Node | null;
  /** What it tells homes of whom it takes from; null while it takes no part. */
  told: { readonly parent: string | null } | null;
  /** Told next when the parent fails. */
  others: Node[];
  failed: Set<string>;
  offset: number;
  /** When the last byte came, or the place was given. */
  grewAt: number;
  /** When it asked last while it waited for a first byte. */
  askedAt: number;
  /** Whether a byte came from this place. */
  flows: boolean;
  corrupt: boolean;
  /** Upstream gives no byte before; then others have had theirs. */
  starvesUntil: number;
  /** The parent that gave bytes and then none. */
  stalled: string | null;
  endedAt: number;
  endIsHeard: boolean;
}

/** Makes a node that has and pulls nothing. */
export function newNode(station: Station): Node {
  return {
    station,
    pulls: new Map(),
    has: new Set(),
    cut: new Set(),
    linkRate: PEER_RATE,
    best: 0,
    hangsUntil: 0,
    gotAt: -FLOWS_MS,
  };
}

/** Makes a pull that is to ask. */
export function newPull(digest: Digest, now: number): Pull {
  return {
    digest,
    state: "asks",
    parent: null,
    told: null,
    others: [],
    failed: new Set(),
    offset: 0,
    grewAt: now,
    askedAt: now,
    flows: false,
    corrupt: false,
    starvesUntil: 0,
    stalled: null,
    endedAt: 0,
    endIsHeard: false,
  };
}

/** Whether a pull goes on. */
export function isOpen({ state }: Pull): boolean {
  return state !== "complete" && state !== "given up";
}

/** Whether a living node takes from one that takes from it. */
export function isInCircle(node: Node, digest: Digest): boolean {
  const seen = new Set<Node>();
  for (let at: Node | null = node; at && !seen.has(at);) {
    seen.add(at);
    const pull: Pull | undefined = at.pulls.get(digest);
    at = at.station.alive && pull?.state === "follows" ? pull.parent : null;
    if (at === node) return true;
  }
  return false;
}

/** What homes are told of a pull that goes on; null while it takes no part. */
export function progressOf(
  node: Node,
  { digest, told, offset, state, parent, flows: isFlowing }: Pull,
  now: number,
): ProgressMessage | null {
  if (!told) return null;
  const { station, gotAt, linkRate } = node;
  const takes = state === "follows" && isFlowing && parent !== null;
  const link = takes ? 1_000 * Math.min(linkRate, parent.linkRate) : 0;
  node.best = Math.max(node.best, link);
  const from = station.address;
  const flows = told.parent === null && now - gotAt <= FLOWS_MS;
  return {
    kind: "progress",
    digest,
    from,
    ...told,
    offset,
    total: BYTES,
    flows,
    link,
    best: node.best,
  };
}

/** What homes are told of a pull that is over. */
export function endOf(
  { station }: Node,
  { state, digest, corrupt }: Pull,
): HaveMessage | GoneMessage {
  const from = station.address;
  return state === "complete"
    ? { kind: "have", digest, from }
    : { kind: "gone", digest, from, corrupt };
}

/** Whether it is time to tell homes of a pull that is over. */
export function isTold({ state, endedAt }: Pull, now: number): boolean {
  return state === "complete" || now - endedAt >= LEAVE_MS;
}
