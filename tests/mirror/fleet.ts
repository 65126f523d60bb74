/**
 * Several nodes in one process, wired as `src/node.ts` wires them but for
 * containerd and sockets: each has real flights, and a containerd that pulls as
 * the real one does.
 *
 * @module
 */

import { firstOf } from "../../src/content/combine.ts";
import { type MemoryStore, memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { type Flights, flights } from "../../src/flight/flights.ts";
import type { PullState } from "../../src/content/pull_state.ts";
import { FLIGHTS_PATH } from "../../src/flight/messages.ts";
import { aside } from "../../src/mirror/aside.ts";
import { cluster } from "../../src/mirror/cluster.ts";
import { leads } from "../../src/mirror/leads.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { holdsIn, peerApi } from "../../src/mirror/peer_api.ts";
import { CORRUPT_ASIDE_MS } from "../../src/mirror/tries.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { routes } from "../../src/registry/routes.ts";
import { type MemoryNetwork, memoryNetwork } from "../../src/routing/memory.ts";
import type { Peer, Router } from "../../src/routing/router.ts";
import { recordedLog, recordedMetrics } from "../recorded.ts";
import { listener } from "../registry/listener.ts";
import { describeRequest, type FakeContent } from "./fake_peer.ts";
import { type FakePulls, fakePulls, growingBytes } from "./fake_pulls.ts";

/** A node of a fleet. */
export interface FleetNode {
  readonly name: string;
  readonly store: MemoryStore;
  readonly router: Router;
  readonly flights: Flights;
  /** What its containerd is pulling. */
  readonly pulls: FakePulls;
  /** What its containerd's mirror says. */
  readonly source: ContentSource;
  /** Requests for content that its peers made, `METHOD path range`. */
  readonly served: string[];
  /** What it was asked and told as home, `b join`, `b join peek`, `b have`. */
  readonly heard: string[];
  /** Streams of content that it gives: now, and at most so far. */
  readonly streams: { now: number; most: number };
  /** The digests that were found to be corrupt. */
  readonly corrupt: Digest[];
  /**
   * Pulls as containerd does, until all is there.
   *
   * @throws {Error} If the bytes do not fit the digest
   */
  pull(content: FakeContent): Promise<Uint8Array>;
}

/** The registry. */
export interface FleetUpstream {
  /** Who went there, `node offset`. */
  readonly requests: string[];
  /** Lets a digest flow: so many bytes of it, or all. */
  pour(content: FakeContent, bytes?: number): void;
}

/** Nodes and a registry. */
export interface Fleet {
  readonly nodes: readonly FleetNode[];
  readonly upstream: FleetUpstream;
  /** Takes a node away: who asks it is refused. */
  leave(node: FleetNode): void;
  /** Lets time pass for flights. */
  pass(ms: number): void;
}

/** How a fleet differs from the usual. */
export interface FleetOptions {
  readonly fanOut?: number;
  /** Changes what a node gives its peers. */
  readonly shared?: (name: string, source: ContentSource) => ContentSource;
}

const { signal: forEver } = new AbortController();

/** Bytes that the registry gives at once. */
const UPSTREAM_CHUNK_BYTES = 256 << 10;

/** Makes a fleet of nodes with these names, and a registry with this content. */
export function fleet(
  names: readonly string[],
  contents: readonly FakeContent[],
  options: FleetOptions = {},
): Fleet {
  const network = memoryNetwork();
  const nodes: FleetNode[] = [];
  const handlers = new Map<string, ReturnType<typeof listener>>();
  const time = { now: 0 };
  const registry = fakeRegistry(contents);

  const fetcherOf = (asker: string): typeof fetch => (input, init = {}) => {
    const { hostname, pathname, search } = new URL(String(input));
    const node = nodes.find(({ name }) => name === hostname);
    const handler = handlers.get(hostname);
    if (!node || !handler) throw new TypeError(`no node ${hostname}`);
    note(node, asker, pathname, new Request(input, init), init.body);
    return handler.ask(init.method ?? "GET", pathname + search, init)
      .then((response) => counted(response, node, pathname));
  };

  for (const name of names) {
    const made = makeNode(name, {
      network,
      fetcher: fetcherOf(name),
      time,
      registry,
      options,
    });
    nodes.push(made.node);
    handlers.set(name, made.peer);
  }
  return {
    nodes,
    upstream: registry,
    leave({ name }) {
      handlers.delete(name);
      network.leave(addressed(name));
    },
    pass: (ms) => void (time.now += ms),
  };
}

const addressed = (name: string): Peer => ({ id: name, address: `${name}:1` });

interface MakeDeps {
  readonly network: MemoryNetwork;
  readonly fetcher: typeof fetch;
  readonly time: { readonly now: number };
  readonly registry: FakeRegistry;
  readonly options: FleetOptions;
}

/** What a node has, is getting, and remembers of it. */
function ownParts({ network }: MakeDeps, name: string) {
  const store = memoryStore();
  const suspects = {
    aside: aside(),
    leads: leads((registry) => Promise.resolve(`https://${registry}`)),
  };
  const corrupt: Digest[] = [];
  return {
    store,
    router: network.join(addressed(name)),
    suspects,
    corrupt,
    onCorrupt(digest: Digest, sources: readonly string[]) {
      corrupt.push(digest);
      suspects.leads.distrust(digest);
      for (const address of sources) {
        suspects.aside.put(address, digest, CORRUPT_ASIDE_MS);
      }
    },
    async holds(digest: Digest): Promise<boolean> {
      const blob = { kind: "blob", repository: "x", digest } as const;
      return await store.stat(blob, { signal: forEver }) !== null;
    },
  };
}

function makeNode(
  name: string,
  deps: MakeDeps,
): { node: FleetNode; peer: ReturnType<typeof listener> } {
  const { fetcher, time, options } = deps;
  const { store, router, suspects, corrupt, ...own } = ownParts(deps, name);
  const pulls: FakePulls = fakePulls((digest) => flight.takesPart(digest));
  const pullState = async (digest: Digest): Promise<PullState> =>
    pulls.state(digest) ??
      (await own.holds(digest) ? { kind: "complete" } : null);
  const log = recordedLog();
  const flight: Flights = flights({
    id: name,
    router,
    pullState,
    log,
    fetcher,
    clock: { now: () => time.now, sleep: briefly },
    onCorrupt: own.onCorrupt,
  }, { fanOut: options.fanOut ?? 2 });
  const elsewhere = cluster({
    router,
    connect: ({ address }) => peerSource({ address, fetcher }),
    flights: flight,
    pullState,
    ...suspects,
    log,
    metrics: recordedMetrics(),
  });
  const shared = firstOf(store, pulls.source, store);
  const given = registryHandler(options.shared?.(name, shared) ?? shared);
  const node: FleetNode = {
    name,
    store,
    router,
    flights: flight,
    pulls,
    source: firstOf(store, elsewhere),
    served: [],
    heard: [],
    streams: { now: 0, most: 0 },
    corrupt,
    pull: (content) => pull(node, content, deps.registry),
  };
  const api = peerApi({ id: name }, holdsIn(store), flight.answer);
  return { node, peer: listener("peer", routes({ "/v2/": given, ...api })) };
}

/** Does not wait for a clock that stands still. */
function briefly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Writes down what a node was asked. */
function note(
  node: FleetNode,
  asker: string,
  pathname: string,
  request: Request,
  body: RequestInit["body"],
): void {
  if (pathname.startsWith("/v2/")) node.served.push(describeRequest(request));
  if (pathname !== FLIGHTS_PATH) return;
  for (const { kind, peek } of JSON.parse(String(body)).messages) {
    node.heard.push(`${asker} ${kind}${peek ? " peek" : ""}`);
  }
}

/** Counts a stream of content while it flows. */
function counted(
  response: Response,
  { streams }: FleetNode,
  pathname: string,
): Response {
  if (!pathname.startsWith("/v2/") || !response.ok) return response;
  if (!response.body) return response;
  streams.most = Math.max(streams.most, ++streams.now);
  let open = true;
  const end = () => {
    if (open) streams.now--;
    open = false;
  };
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error) => {
        end();
        throw error;
      });
      if (done) end();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  const { status, headers } = response;
  return new Response(body, { status, headers });
}

/** Pulls as containerd does: an ingest, the mirror, and upstream at its word. */
async function pull(
  { name, source, pulls, store, router }: FleetNode,
  { request, digest, bytes: { length } }: FakeContent,
  registry: FakeRegistry,
): Promise<Uint8Array> {
  const ingest = pulls.begin(digest, length);
  while (ingest.offset < length) {
    const { offset } = ingest;
    const range = offset > 0 ? { start: offset } : undefined;
    const body = await source.open(request, { signal: forEver, range })
      .then((open) => open?.body, (error) => {
        if (error instanceof RegistryError && error.status === 307) return null;
        throw error;
      }) ?? registry.open(name, digest, offset);
    try {
      for await (const chunk of body) ingest.append(chunk);
    } catch (error) {
      // It ended early: the rest is asked for.
      if (pulls.state(digest) === null) throw error;
    }
  }
  const bytes = ingest.bytes();
  const fits = digestOf(bytes) === digest;
  if (fits) await router.advertise([store.put(bytes)]);
  ingest.end();
  if (!fits) throw new Error(`${name} was given other bytes`);
  return bytes;
}

interface FakeRegistry extends FleetUpstream {
  open(asker: string, digest: Digest, from: number): ReadableStream<Uint8Array>;
}

/** A registry that gives bytes when it is told to. */
function fakeRegistry(contents: readonly FakeContent[]): FakeRegistry {
  const requests: string[] = [];
  const poured = new Map(
    contents.map(({ digest, bytes }) => [digest, growingBytes(bytes.length)]),
  );
  const find = (digest: Digest) => {
    const found = poured.get(digest);
    if (!found) throw new TypeError(`the registry has no ${digest}`);
    return found;
  };
  return {
    requests,
    pour({ digest, bytes }, upTo = bytes.length) {
      const source = find(digest);
      while (source.offset < upTo) {
        const { offset } = source;
        const end = Math.min(offset + UPSTREAM_CHUNK_BYTES, upTo);
        source.append(bytes.subarray(offset, end));
      }
    },
    open(asker, digest, from) {
      requests.push(`${asker} ${from}`);
      const source = find(digest);
      return source.read(from, source.total - 1);
    },
  };
}
