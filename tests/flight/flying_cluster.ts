/**
 * Nodes of one process whose flights talk to each other, in a time that stands
 * still until it is told to go.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../src/async/background.ts";
import type { Clock } from "../../src/async/clock.ts";
import {
  type Flights,
  flights,
  type JoinRequest,
} from "../../src/flight/flights.ts";
import type { PullState } from "../../src/content/pull_state.ts";
import {
  decodeMessages,
  encodeReplies,
  type FlightMessage,
  FLIGHTS_PATH,
} from "../../src/flight/messages.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import type { Peer, Router } from "../../src/routing/router.ts";
import { type RecordedLog, recordedLog } from "../recorded.ts";

/** What a node does with a request of another. */
export type Behaviour =
  /** As it should. */
  | "answers"
  /** Nothing listens there. */
  | "refuses"
  /** Nothing comes back. */
  | "is silent"
  /** It knows nothing of flights. */
  | "is plain"
  /** It answers what nobody asked. */
  | "talks nonsense"
  /** It gives fewer replies than there were messages. */
  | "is short";

/** One node. */
export interface FlyingNode {
  readonly peer: Peer;
  readonly flights: Flights;
  readonly log: RecordedLog;
  /** Who else is there, in its view. */
  readonly router: Router;
  /** What its containerd is pulling, or has. */
  readonly pulls: Map<Digest, PullState>;
  /** What it was told to be corrupt, and who gave it. */
  readonly corrupt: { digest: Digest; sources: readonly string[] }[];
  /** What it does when it is asked. */
  behaviour: Behaviour;
  /** What it was asked so far, by others. */
  readonly heard: FlightMessage[];
  /** How many messages came with each request. */
  readonly batches: number[];
  /** Joins as a node with an empty ingest, unless told otherwise. */
  join(facts?: Partial<JoinRequest>): ReturnType<Flights["join"]>;
  /** Lets it report for as long as a time is run. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** The cluster. */
export interface FlyingCluster {
  readonly nodes: readonly FlyingNode[];
  /** The nodes in the order in which they are home for a digest. */
  homesOf(digest: Digest): FlyingNode[];
  /** Lets a second pass: those nodes that run report once. */
  second(): Promise<void>;
  /** Lets time pass without a report. */
  wait(ms: number): void;
}

/** The content that is spoken of. */
export const LAYER: Digest = digestOf("flying layer");

/** Makes a cluster of so many nodes. */
export function flyingCluster(size: number): FlyingCluster {
  const network = memoryNetwork();
  const nodes: FlyingNode[] = [];
  const time = standingTime();
  const fetcher =
    ((input: string, init: RequestInit) =>
      deliver(nodes, input, init)) as typeof fetch;
  for (let index = 0; index < size; index++) {
    const peer = { id: `id-${index}`, address: `10.0.0.${index}:5002` };
    const router = network.join(peer);
    nodes.push(flyingNode(peer, router, fetcher, time.clock));
  }
  return {
    nodes,
    homesOf: (digest) =>
      (nodes[0]?.router.nearest(digest, size) ?? []).flatMap(({ id }) =>
        nodes.filter(({ peer }) => peer.id === id)
      ),
    wait: time.wait,
    second: time.second,
  };
}

function flyingNode(
  peer: Peer,
  router: Router,
  fetcher: typeof fetch,
  clock: Clock,
): FlyingNode {
  const log = recordedLog();
  const pulls = new Map<Digest, PullState>();
  const corrupt: FlyingNode["corrupt"] = [];
  const own = flights({
    onCorrupt: (digest, sources) => corrupt.push({ digest, sources }),
    router,
    id: peer.id,
    pullState: (digest) => Promise.resolve(pulls.get(digest) ?? null),
    log,
    fetcher,
    clock,
  }, { fanOut: 2 });
  return {
    peer,
    router,
    log,
    pulls,
    flights: own,
    corrupt,
    behaviour: "answers",
    heard: [],
    batches: [],
    join: (facts = {}) =>
      own.join({
        digest: LAYER,
        mayLead: true,
        offset: 0,
        total: 100_000_000,
        holders: [],
        failed: [],
        stalled: null,
        signal: new AbortController().signal,
        ...facts,
      }),
    run: (signal) => own.run(signal),
  };
}

async function deliver(
  nodes: readonly FlyingNode[],
  input: string,
  { body, signal }: RequestInit,
): Promise<Response> {
  const { host, pathname } = new URL(input);
  const node = nodes.find(({ peer }) => peer.address === host);
  const behaviour = pathname === FLIGHTS_PATH ? node?.behaviour : "is plain";
  if (!node || behaviour === "refuses") throw new TypeError("refused");
  signal?.throwIfAborted();
  const messages = decodeMessages(String(body));
  node.heard.push(...messages);
  node.batches.push(messages.length);
  if (behaviour === "is silent") {
    const { promise, reject } = Promise.withResolvers<Response>();
    signal?.addEventListener("abort", () => reject(signal.reason));
    return await promise;
  }
  if (behaviour === "is plain") return new Response("no", { status: 404 });
  if (behaviour === "talks nonsense") return new Response("<html>");
  const replies = node.flights.answer(messages);
  if (behaviour === "is short") replies.pop();
  return new Response(encodeReplies(replies));
}

/** A clock whose sleepers wake when a second is let pass. */
function standingTime() {
  const sleepers = new Set<() => void>();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        if (signal.aborted) return resolve();
        sleepers.add(wake);
        signal.addEventListener("abort", wake);
      }),
  };
  return {
    clock,
    wait: (ms: number) => void (now += ms),
    /** Wakes all, and waits until all sleep again: then they have reported. */
    async second() {
      now += 1_000;
      const awake = [...sleepers];
      awake.forEach((wake) => wake());
      while (sleepers.size < awake.length) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  };
}

/** A cluster whose nodes have names. */
export interface RankedCluster {
  readonly cluster: FlyingCluster;
  readonly home: FlyingNode;
  readonly second: FlyingNode;
  readonly third: FlyingNode;
  readonly a: FlyingNode;
  readonly b: FlyingNode;
}

/** The nodes of a cluster of 5 by their rank as home; two are none. */
export function ranked(
  cluster: FlyingCluster = flyingCluster(5),
): RankedCluster {
  const [home, second, third, a, b] = cluster.homesOf(LAYER);
  assert.ok(home && second && third && a && b);
  return { cluster, home, second, third, a, b };
}

/** Lets nodes report for as long as the scope lasts. */
export function running(nodes: readonly FlyingNode[]): AsyncDisposable {
  return inBackground(async (signal) => {
    await Promise.all(nodes.map(({ run }) => run(signal)));
  });
}
