/**
 * A swarm of peers without sockets: the real swarm and the real peer source over
 * peers that answer as a test says.
 *
 * @module
 */

import { aside } from "../../src/mirror/aside.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { swarm } from "../../src/mirror/swarm.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import type { Router } from "../../src/routing/router.ts";
import {
  type RecordedLog,
  recordedLog,
  type RecordedMetrics,
  recordedMetrics,
} from "../recorded.ts";
import { type Answer, describeRequest } from "./fake_peer.ts";

/** What a test sees of a cluster. */
export interface FakeCluster {
  /** The cluster as this node sees it. */
  readonly source: ContentSource;
  /** Every request that a peer saw, `peer METHOD path range`, in order. */
  readonly requests: string[];
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  /** Lets time pass for those who are set aside. */
  readonly pass: (ms: number) => void;
}

/** Peers without sockets. */
export interface FakePeers {
  /** This node's router. */
  readonly router: Router;
  /** Sends requests to peers by their name. */
  readonly fetcher: typeof fetch;
  /** Every request that a peer saw, `peer METHOD path range`, in order. */
  readonly requests: string[];
}

/**
 * Makes peers.
 *
 * @param keys What every peer says it has
 * @param peers How each peer answers, by its name, in the order of the lookup
 */
export function fakePeers(
  keys: readonly string[],
  peers: Record<string, Answer>,
): FakePeers {
  const network = memoryNetwork();
  const router = network.join({ id: "self", address: "self:1" });
  const requests: string[] = [];
  for (const name of Object.keys(peers)) {
    network.join({ id: name, address: `${name}:1` }).advertise(keys);
  }
  const fetcher: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const name = new URL(request.url).hostname;
    requests.push(`${name} ${describeRequest(request)}`);
    request.signal.throwIfAborted();
    const answer = peers[name];
    if (!answer) throw new TypeError(`no peer ${name}`);
    return await answer(request);
  };
  return { router, fetcher, requests };
}

/**
 * Makes a cluster of holders.
 *
 * @param keys What every peer says it has
 * @param peers How each peer answers, by its name, in the order of the lookup
 */
export function fakeCluster(
  keys: readonly string[],
  peers: Record<string, Answer>,
): FakeCluster {
  const { router, fetcher, requests } = fakePeers(keys, peers);
  return { ...swarmOf(router, fetcher), requests };
}

/** Makes the swarm of a router. */
export function swarmOf(
  router: Router,
  fetcher: typeof fetch,
): Omit<FakeCluster, "requests"> {
  const log = recordedLog();
  const metrics = recordedMetrics();
  let now = 0;
  const pass = (ms: number) => void (now += ms);
  const source = swarm({
    router,
    connect: ({ address }) => peerSource({ address, fetcher }),
    aside: aside(() => now),
    log,
    metrics,
  });
  return { source, log, metrics, pass };
}

/** Refuses the connection. */
export const refuses: Answer = () => {
  throw new TypeError("connection refused");
};

/** Does not answer until it is told to stop. */
export const silent: Answer = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

/** Answers with a status. */
export const answers = (status: number): Answer => () =>
  new Response("no", { status });

/**
 * Sends the beginning of what another would send, then breaks or falls silent.
 */
export function upTo(
  bytes: number,
  then: "break" | "hang",
  answer: Answer,
): Answer {
  return async (request) => {
    const { status, headers, body } = await answer(request);
    const whole = await new Response(body).bytes();
    const cut = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(whole.slice(0, bytes)),
      pull(controller) {
        if (then === "break") controller.error(new Error("reset by peer"));
        else return new Promise(() => {});
      },
    });
    return new Response(cut, { status, headers });
  };
}
