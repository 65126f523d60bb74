/**
 * Nodes over real sockets, wired as `src/node.ts` wires them but for containerd,
 * and a registry to which a lead is sent.
 *
 * @module
 */

import { firstOf } from "../../src/content/combine.ts";
import { memoryStore } from "../../src/content/memory.ts";
import { type Flights, flights } from "../../src/flight/flights.ts";
import type { PullState } from "../../src/content/pull_state.ts";
import { listen } from "../../src/listen.ts";
import { aside } from "../../src/mirror/aside.ts";
import { cluster } from "../../src/mirror/cluster.ts";
import { leads } from "../../src/mirror/leads.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { holdsIn, peerApi } from "../../src/mirror/peer_api.ts";
import type { Digest } from "../../src/oci/digest.ts";
import type { Handler } from "../../src/registry/exchange.ts";
import { askPeers } from "../../src/proof/ask_peers.ts";
import { type Deployment, deployment } from "../../src/proof/deployment.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { membersOnly } from "../../src/registry/members.ts";
import { observed } from "../../src/registry/observe.ts";
import { routes } from "../../src/registry/routes.ts";
import type { MemoryNetwork } from "../../src/routing/memory.ts";
import { type FakeContent, pathOf } from "../mirror/fake_peer.ts";
import {
  type FakePulls,
  fakePulls,
  growingBytes,
} from "../mirror/fake_pulls.ts";
import {
  type RecordedLog,
  recordedLog,
  type RecordedMetrics,
  recordedMetrics,
} from "../recorded.ts";

/** Where a test listens. */
const ANY = { hostname: "127.0.0.1", port: 0 };

/** A node that runs. */
export interface FlyingNode extends AsyncDisposable {
  /** `host:port` that this node's containerd asks. */
  readonly mirror: string;
  /** `host:port` that other nodes ask. */
  readonly peer: string;
  /** What its containerd is pulling. */
  readonly pulls: FakePulls;
  /** Lines of both listeners. */
  readonly log: RecordedLog;
  /** Values of both listeners. */
  readonly metrics: RecordedMetrics;
}

/** A registry that gives bytes when it is told to. */
export interface FakeRegistry extends AsyncDisposable {
  /** Its base URL. */
  readonly url: string;
  /** Ranges that were asked for; empty for the whole. */
  readonly requests: string[];
  /** Lets bytes flow up to here. */
  pour(upTo: number): void;
}

/** Starts a registry that has one blob. */
export function startRegistry({ bytes, digest }: FakeContent): FakeRegistry {
  const source = growingBytes(bytes.length);
  const requests: string[] = [];
  const end = new AbortController();
  const options = { ...ANY, signal: end.signal, onListen() {} };
  const server = Deno.serve(options, ({ headers }) => {
    const range = headers.get("Range") ?? "";
    requests.push(range);
    const start = Number(/^bytes=([0-9]+)-$/.exec(range)?.[1] ?? 0);
    const body = source.read(start, bytes.length - 1);
    return new Response(body, {
      status: range ? 206 : 200,
      headers: {
        "Content-Length": String(bytes.length - start),
        "Docker-Content-Digest": digest,
      },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    pour: (upTo) => source.append(bytes.subarray(source.offset, upTo)),
    [Symbol.asyncDispose]() {
      end.abort(); // Else a test that fails would wait for its own bodies.
      return server.finished;
    },
  };
}

/** Starts a node. */
export function startFlyingNode(
  network: MemoryNetwork,
  id: string,
  registry: FakeRegistry,
  members: Deployment = deployment({ network: "peili" }),
): FlyingNode {
  const parts = new AsyncDisposableStack();
  const store = memoryStore();
  const log = recordedLog();
  const metrics = recordedMetrics();
  const fetcher = askPeers(members, { log });
  const pulls: FakePulls = fakePulls((digest) => flight.takesPart(digest));
  const pullState = (digest: Digest): Promise<PullState> =>
    Promise.resolve(pulls.state(digest));
  const serve = (name: string, handler: Handler) =>
    parts.use(listen(
      `--${name}-addr`,
      ANY,
      observed(name, handler, { log, metrics, freeChunks: true }),
    )).address;
  const shared = registryHandler(firstOf(store, pulls.source, store));
  const api = peerApi(
    { id },
    holdsIn(store),
    (messages) => flight.answer(messages), // Made below: it needs the address.
  );
  const peer = serve(
    "peer",
    membersOnly(routes({ "/v2/": shared, ...api }), {
      deployment: members,
      log,
    }),
  );
  const router = network.join({ id, address: peer });
  const flight: Flights = flights(
    { id, router, pullState, fetcher, log },
    { fanOut: 1 },
  );
  const elsewhere = cluster({
    router,
    connect: ({ address }) => peerSource({ address, fetcher }),
    flights: flight,
    pullState,
    aside: aside(),
    leads: leads(() => Promise.resolve(registry.url)),
    log,
    metrics,
  });
  const mirrored = registryHandler(firstOf(store, elsewhere), {
    elsewhere: "mirror",
  });
  const mirror = serve("mirror", mirrored);
  return {
    mirror,
    peer,
    pulls,
    log,
    metrics,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Pulls once as containerd does: an ingest, then one request that is followed. */
export async function pullOnce(
  { mirror, pulls }: FlyingNode,
  { request, digest, bytes }: FakeContent,
): Promise<Uint8Array> {
  const ingest = pulls.begin(digest, bytes.length);
  const response = await fetch(`http://${mirror}${pathOf(request)}`);
  for await (const chunk of response.body ?? []) ingest.append(chunk);
  return ingest.bytes();
}

/** The access-log lines of one listener for content, `status role`. */
export function contentLines({ log }: FlyingNode, listener: string): string[] {
  return log.lines
    .filter((line) => line.listener === listener && line.registry)
    .map(({ status, flight }) =>
      [status, flight && (flight as { role: string }).role]
        .filter(Boolean).join(" ")
    );
}
