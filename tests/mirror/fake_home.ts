/**
 * The cluster as a source over a home that says what a test tells it to, and
 * peers without sockets.
 *
 * @module
 */

import type { ContentSource } from "../../src/content/source.ts";
import type { PullState } from "../../src/content/pull_state.ts";
import type { JoinRequest, Seat } from "../../src/flight/flights.ts";
import type { FlightReply } from "../../src/flight/messages.ts";
import { aside } from "../../src/mirror/aside.ts";
import { cluster, type ClusterOptions } from "../../src/mirror/cluster.ts";
import { type Leads, leads, type Upstream } from "../../src/mirror/leads.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { Router } from "../../src/routing/router.ts";
import {
  type RecordedLog,
  recordedLog,
  type RecordedMetrics,
  recordedMetrics,
} from "../recorded.ts";
import { fakePeers } from "./fake_cluster.ts";
import type { Answer } from "./fake_peer.ts";

/** What home was asked, without the signal. */
export type Asked = Omit<JoinRequest, "signal" | "digest">;

/** What a test sees of the cluster. */
export interface GuidedCluster {
  readonly source: ContentSource;
  /** Every request that a peer saw, `peer METHOD path range`, in order. */
  readonly requests: string[];
  /** What home was asked, in order. */
  readonly asked: Asked[];
  /** What flights were told beside: `follows a:1`, `delivered a:1 b:1`. */
  readonly told: string[];
  /** Bodies that home can move, by digest. */
  readonly seats: Map<Digest, Seat>;
  readonly leads: Leads;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
}

/** What a test decides. */
export interface GuidedOptions extends ClusterOptions {
  /** How each peer answers, by its name. */
  readonly peers?: Record<string, Answer>;
  /** What peers say they hold. */
  readonly keys?: readonly string[];
  /** What home says, in order; then it knows nobody. */
  readonly replies?: readonly (FlightReply | Promise<FlightReply>)[];
  /** This node's own pull of a digest; none when left out. */
  readonly pull?: (digest: Digest) => PullState;
  /**
   * Where registries are.
   *
   * @default {https}
   */
  readonly upstream?: Upstream;
  /** Changes discovery. */
  readonly router?: (router: Router) => Router;
}

/** A pull of this node that has so many bytes. */
export const pulling = (offset: number, total = 0) => (): PullState => ({
  kind: "pulling",
  offset,
  total,
});

/** Names peers to follow. */
export const follow = (...names: readonly string[]): FlightReply => ({
  kind: "follow",
  peers: names.map((name) => `${name}:1`),
});

/** Names complete copies. */
export const hold = (...names: readonly string[]): FlightReply => ({
  kind: "holders",
  peers: names.map((name) => `${name}:1`),
});

/** Sends the asker upstream. */
export const LEAD: FlightReply = { kind: "lead" };

/** Makes the cluster. */
export function guidedCluster(options: GuidedOptions): GuidedCluster {
  const { router, fetcher, requests } = fakePeers(
    options.keys ?? [],
    options.peers ?? {},
  );
  const replies = [...options.replies ?? []];
  const asked: Asked[] = [];
  const told: string[] = [];
  const seats = new Map<Digest, Seat>();
  const log = recordedLog();
  const metrics = recordedMetrics();
  const upstream = options.upstream ??
    ((registry) => Promise.resolve(`https://${registry}`));
  const decided = leads(upstream);
  const source = cluster({
    router: options.router?.(router) ?? router,
    connect: ({ address }) => peerSource({ address, fetcher }),
    aside: aside(),
    flights: {
      join({ signal: _, digest: __, ...facts }) {
        asked.push({ ...facts, failed: [...facts.failed] });
        return Promise.resolve(replies.shift() ?? { kind: "none" });
      },
      follows: (_, address) => void told.push(`follows ${address}`),
      delivered: (_, sources) =>
        void told.push(`delivered ${sources.join(" ")}`),
      sit(digest, seat) {
        seats.set(digest, seat);
        return { [Symbol.dispose]: () => void seats.delete(digest) };
      },
    },
    leads: decided,
    pullState: (digest) => Promise.resolve(options.pull?.(digest) ?? null),
    log,
    metrics,
  }, options);
  return { source, requests, asked, told, seats, leads: decided, log, metrics };
}

/** Whether an error sends containerd to this place. */
export function isSentTo(location: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof RegistryError && error.status === 307 &&
    error.headers.Location === location;
}
