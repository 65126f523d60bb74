/**
 * Peili for embedding: run a whole node, or build one of its parts.
 *
 * @example A node beside containerd
 * ```ts ignore
 * import { NO_LOG, startNode } from "@peili/peili";
 *
 * await using node = await startNode({
 *   containerdSock: "/run/containerd/containerd.sock",
 *   containerdNamespace: "k8s.io",
 *   containerdContentPath: "/var/lib/containerd/io.containerd.content.v1.content",
 *   mirrorAddr: { hostname: "127.0.0.1", port: 30020 },
 *   peerAddr: { hostname: "::", port: 5002 },
 *   metricsAddr: { hostname: "::", port: 9090 },
 *   containerdRegistryConfigPath: "/etc/containerd/certs.d",
 *   staticPeers: [],
 *   staticBootstrapPeers: ["/ip4/10.0.0.1/tcp/5001"],
 *   routerAddr: { hostname: "::", port: 5001 },
 *   network: "peili",
 *   secretFile: "/etc/peili/secret",
 *   upstream: new Map(),
 *   fanOut: 2,
 *   mirroredRegistries: [],
 *   registryFilters: [],
 *   resolveTags: true,
 *   resolveLatestTag: true,
 * }, NO_LOG);
 * ```
 *
 * @example A registry of generated content
 * ```ts
 * import { memoryStore, observed, NO_LOG, NO_METRICS, registryHandler } from "@peili/peili";
 *
 * const store = memoryStore();
 * const digest = store.put("hello");
 * const handler = observed("example", registryHandler(store), {
 *   log: NO_LOG,
 *   metrics: NO_METRICS,
 * });
 * await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
 * const url = `http://127.0.0.1:${server.addr.port}/v2/any/blobs/${digest}`;
 * console.log(await (await fetch(url)).text()); // hello
 * ```
 *
 * @module
 */

export { filtered, firstOf } from "./src/content/combine.ts";
export {
  type ContentFilter,
  contentFilter,
  type FilterOptions,
} from "./src/content/filter.ts";
export { type MemoryStore, memoryStore } from "./src/content/memory.ts";
export {
  type CallOptions,
  type ContentSource,
  type FlightFacts,
  LOCAL,
  type Located,
  type OpenContent,
  type OpenOptions,
} from "./src/content/source.ts";
export type { ContentEvent, ContentWatcher } from "./src/content/watcher.ts";
export type { PullState } from "./src/content/pull_state.ts";
export type { Store } from "./src/content/store.ts";
export {
  containerdStore,
  type ContainerdStoreOptions,
} from "./src/containerd/store.ts";
export type { DiscoveryOptions, WithBootstrap } from "./src/discovery.ts";
export type { LayoutBlobsOptions } from "./src/layout/blobs.ts";
export { layoutStore, type LayoutStoreOptions } from "./src/layout/store.ts";
export {
  type IngestOptions,
  type LayoutIngest,
  type LayoutWriter,
  layoutWriter,
} from "./src/layout/writer.ts";
export {
  type EarlyListener,
  type EarlyOptions,
  type ListenAddress,
  listenEarly,
  type Listener,
} from "./src/listen.ts";
export {
  type Log,
  type LogFields,
  type LogLevel,
  NO_LOG,
  startLog,
} from "./src/log.ts";
export {
  type Labels,
  type Metrics,
  type MetricsRegistry,
  metricsRegistry,
  NO_METRICS,
} from "./src/metrics/metrics.ts";
export type { MetricName } from "./src/metrics/names.ts";
export { type Aside, aside } from "./src/mirror/aside.ts";
export { type PeerOptions, peerSource } from "./src/mirror/peer.ts";
export { swarm, type SwarmDeps } from "./src/mirror/swarm.ts";
export type { TriesDeps } from "./src/mirror/tries.ts";
export {
  type Node,
  type NodeOptions,
  startNode,
  type StoreChoice,
} from "./src/node.ts";
export type { Descriptor } from "./src/oci/descriptor.ts";
export {
  type Digest,
  type DigestAlgorithm,
  digestOf,
  parseDigest,
} from "./src/oci/digest.ts";
export { type ErrorCode, RegistryError } from "./src/oci/error.ts";
export type { RegistryErrorOptions } from "./src/oci/error.ts";
export { askPeers, type AskPeersDeps } from "./src/proof/ask_peers.ts";
export {
  type Asked,
  type Deployment,
  deployment,
  type DeploymentOptions,
  type Member,
  type Stranger,
} from "./src/proof/deployment.ts";
export type { Answer, Claim, Refusal } from "./src/proof/proof.ts";
export { type SecretKeys, secretKeys } from "./src/proof/secret.ts";
export type { ByteRange, RangeRequest } from "./src/oci/range.ts";
export type { TagReference } from "./src/oci/reference.ts";
export type { ContentRequest } from "./src/oci/request.ts";
export type {
  Exchange,
  ExchangeFacts,
  Handler,
} from "./src/registry/exchange.ts";
export { type MembersDeps, membersOnly } from "./src/registry/members.ts";
export {
  registryHandler,
  type RegistryOptions,
} from "./src/registry/handler.ts";
export {
  observed,
  type ObserveDeps,
  type ServeHandler,
} from "./src/registry/observe.ts";
export type { Bootstrap } from "./src/routing/bootstrap/bootstrap.ts";
export type {
  BootstrapOptions,
  DiscoveryKind,
} from "./src/routing/bootstrap/kinds.ts";
export { type MemoryNetwork, memoryNetwork } from "./src/routing/memory.ts";
export {
  type PeerFetch,
  type PeerRequest,
  StrangerError,
} from "./src/routing/peer_fetch.ts";
export type {
  LookupOptions,
  Peer,
  Readiness,
  Router,
} from "./src/routing/router.ts";
export {
  type StaticPeers,
  staticPeers,
  type StaticPeersOptions,
} from "./src/routing/static_peers.ts";
