/**
 * What the processes of the benchmark of scale are told and asked.
 *
 * @module
 */

import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import type { RouterCounts } from "../../../src/routing/libp2p/router.ts";
import type { LookedUp, Usage } from "../../cluster/commands.ts";
import type { Traffic } from "./traffic.ts";

/** The network of all. */
export const NETWORK = "/peili/scale";

/** What a process of scripted members is told. */
export interface ScriptedOptions extends RouterOptions {
  /** Members that it has. */
  count: number;
}

/** What a process of routers is told. */
export interface RouterOptions {
  /** Number of its first node. */
  first: number;
}

/** What a process of routers can be asked. */
export interface RouterQuestions {
  /** Starts one more router, which joins by these; gives its multiaddress. */
  start: [[peers: string[]], string];
  /** Each has digests of its own, and some that all have. */
  advertise: [[own: number, shared: number], void];
  /** Its first router looks up digests of these nodes. */
  lookups: [[nodes: number[], each: number], LookedUp];
  counts: [[], Counted];
}

/** What one process has counted. */
export interface Counted {
  readonly usage: Usage;
  readonly traffic: Traffic;
  readonly routers: readonly RouterCounts[];
}

/** What a process of scripted members can be asked. */
export interface ScriptedQuestions {
  /** Knows these, too. */
  know: [[records: MemberRecord[]], void];
  /** Its first member meets the router there. */
  meet: [[multiaddr: string], void];
  /** All tell the router of records, each once in so many ms; 0: none. */
  tell: [[everyMs: number, records: number], void];
  /** Says that one has gone and another come, so often a minute; 0: no more. */
  churn: [[perMinute: number], void];
}

/** The n-th digest of a node. */
export function digestOf(node: number, n: number): string {
  const tail = node.toString(16) + n.toString(16).padStart(8, "0");
  return `sha256:${tail.padStart(64, "a")}`;
}

/** The digests of a node. */
export function digestsOf(node: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => digestOf(node, n));
}

/** A node that stands for all, in digests that all have. */
export const EVERYBODY = 0xffff;
