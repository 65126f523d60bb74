/**
 * The composition root: every part of a node, in order. Stopping goes the same
 * way back.
 *
 * @module
 */

import { advertiser } from "./advertise.ts";
import { atRest } from "./async/at_rest.ts";
import { backoff, sleep } from "./async/backoff.ts";
import { inBackground } from "./async/background.ts";
import { type DiscoveryOptions, startDiscovery } from "./discovery.ts";
import { filtered, firstOf } from "./content/combine.ts";
import {
  type ContentFilter,
  contentFilter,
  type FilterOptions,
} from "./content/filter.ts";
import { held } from "./content/held.ts";
import type { Store } from "./content/store.ts";
import { flights } from "./flight/flights.ts";
import { collectGarbage } from "./garbage.ts";
import {
  type EarlyListener,
  listen,
  type ListenAddress,
  listenEarly,
} from "./listen.ts";
import type { Log } from "./log.ts";
import {
  type Metrics,
  type MetricsRegistry,
  metricsRegistry,
} from "./metrics/metrics.ts";
import { type Aside, aside } from "./mirror/aside.ts";
import { cluster as clusterSource } from "./mirror/cluster.ts";
import { type Leads, leads } from "./mirror/leads.ts";
import { peerSource } from "./mirror/peer.ts";
import { holdsIn, peerApi } from "./mirror/peer_api.ts";
import { CORRUPT_ASIDE_MS } from "./mirror/tries.ts";
import type { Digest } from "./oci/digest.ts";
import { askPeers } from "./proof/ask_peers.ts";
import { type Deployment, deployment } from "./proof/deployment.ts";
import { readSecretKeys } from "./proof/secret.ts";
import type { Handler } from "./registry/exchange.ts";
import { registryHandler } from "./registry/handler.ts";
import { membersOnly } from "./registry/members.ts";
import { observed } from "./registry/observe.ts";
import { probes, routes } from "./registry/routes.ts";
import { ID_PATH } from "./routing/bootstrap/http.ts";
import type { Readiness } from "./routing/router.ts";
import { type Upstream, upstreamAddress } from "./upstream/address.ts";

/** Where a node's content is. */
export type StoreChoice =
  /** In this node's containerd. */
  | { readonly kind: "containerd" }
  /** In an OCI image layout folder: then nothing asks containerd. */
  | { readonly kind: "layout"; readonly path: string };

/** What a node is told. */
export interface NodeOptions extends FilterOptions, DiscoveryOptions {
  /**
   * Where its content is.
   *
   * @default {{ kind: "containerd" }}
   */
  readonly store?: StoreChoice;
  /** Path of containerd's socket. */
  readonly containerdSock: string;
  /** Namespace whose content is shared. */
  readonly containerdNamespace: string;
  /** containerd's content folder. */
  readonly containerdContentPath: string;
  /** containerd's certs.d folder, which says where registries are. */
  readonly containerdRegistryConfigPath: string;
  /** Base URLs of registries, which win over what certs.d says. */
  readonly upstream: ReadonlyMap<string, string>;
  /** Streams that one node gives for content that is still being pulled. */
  readonly fanOut: number;
  /** Where containerd asks. */
  readonly mirrorAddr: ListenAddress;
  /** Where other nodes ask. */
  readonly peerAddr: ListenAddress;
  /** Where people and Prometheus ask. */
  readonly metricsAddr: ListenAddress;
  /** Name of the deployment; nodes of another one are strangers. */
  readonly network: string;
  /** File with the deployment's secret; "": none, whoever reaches a node may ask. */
  readonly secretFile: string;
}

/** A node that runs. */
export interface Node extends AsyncDisposable {
  /** Where containerd asks. */
  readonly mirrorAddress: string;
  /** Where other nodes ask. */
  readonly peerAddress: string;
  /** Where people and Prometheus ask. */
  readonly metricsAddress: string;
  /** Where it counts what happens, for others of its process. */
  readonly metrics: Metrics;
  /** Tells whether it can serve and look up. */
  ready(): Readiness;
}

/**
 * Bodies that one listener sends at once: a pull has three, a flight one a layer
 * or eight while it is small. 200 readers that took nothing made a process 98 MiB
 * large, and each more 0.3 MiB; a pod may have 128.
 */
const MAX_BODIES = 128;

/**
 * Milliseconds without a pull after which garbage is collected: longer than
 * containerd needs from one layer to the next.
 */
const QUIET_MS = 10_000;

/**
 * Starts a node.
 *
 * @param options What it is told
 * @param log Where it says what happens
 * @param mirror The mirror's listener, for who opens it before this is loaded;
 * it ends with the node
 * @returns The node; disposing it stops every part
 * @throws {Error} If an address cannot be had
 */
export async function startNode(
  options: NodeOptions,
  log: Log,
  mirror: EarlyListener = listenEarly("--mirror-addr", options.mirrorAddr),
): Promise<Node> {
  await using parts = new AsyncDisposableStack();
  parts.use(mirror);
  const metrics = metricsRegistry();
  const filter = contentFilter(options);

  // Who belongs to this node, and how they are asked.
  const members = await deploymentOf(options, log);
  const fetcher = askPeers(members, { log });

  // What this node has and is getting, and who knows what the others have.
  const store = parts.use(
    await openStore(options, {
      filter,
      takesPart: (digest) => flight.takesPart(digest),
      log,
    }),
  );
  const discovery = parts.use(
    await startDiscovery(options, { deployment: members, fetcher, log }),
  );
  const { id, router } = discovery;

  // Whose turn it is to go upstream.
  const suspects = suspicion(upstreamAddress({
    configPath: options.containerdRegistryConfigPath,
    overrides: options.upstream,
  }));
  const flight = flights({
    id,
    router,
    pullState: store.pullState,
    onCorrupt: suspects.onCorrupt,
    fetcher,
    log,
  }, { fanOut: options.fanOut });

  // The two sources: other nodes see the first, containerd the second.
  const shared = filtered(store.shared, filter);
  const committed = filtered(store.source, filter);
  const everybody = clusterSource({
    router,
    connect: ({ address }) => peerSource({ address, fetcher }),
    flights: flight,
    pullState: store.pulling,
    ...suspects,
    log,
    metrics,
  });
  // Who does not know the others yet would go upstream beside them.
  const isAble = () => router.ready().ready;
  const cluster = filtered(
    held(everybody, { isAble, until: mirror.until }),
    filter,
  );

  const advertised = advertiser({
    watcher: store.watcher,
    router,
    log,
    metrics,
  });
  const ready = () => firstNotReady(advertised.ready(), router.ready());

  // What is garbage goes when nobody waits for it.
  const rest = parts.use(atRest({ quietMs: QUIET_MS, act: collectGarbage }));

  // The three listeners. Peers first: a mirror without them has nothing to say.
  const seen = (name: string, handler: Handler) =>
    observed(name, handler, {
      log,
      metrics,
      freeChunks: true,
      maxBodies: MAX_BODIES,
      begin: rest.begin,
    });
  const serve = (name: string, address: ListenAddress, handler: Handler) =>
    parts.use(listen(`--${name}-addr`, address, seen(name, handler)));
  const peer = serve(
    "peer",
    options.peerAddr,
    membersOnly(
      routes({
        "/v2": registryHandler(shared),
        "/v2/": registryHandler(shared),
        ...peerApi(
          { id, zone: options.zone ?? "" },
          holdsIn(committed),
          flight.answer,
        ),
      }),
      { deployment: members, log },
    ),
  );
  discovery.announce(peer.listening);
  const { answerId } = discovery;
  if (answerId) {
    const answer: Handler = (request) => Promise.resolve(answerId(request));
    serve(
      "http-bootstrap",
      options.httpBootstrapAddr || { hostname: "::", port: 5003 },
      routes({ [ID_PATH]: answer }),
    );
  }
  const mirrored = registryHandler(firstOf(committed, cluster), {
    elsewhere: "mirror",
  });
  mirror.answerBy(seen(
    "mirror",
    routes({ "/v2": mirrored, "/v2/": mirrored, ...probes(ready) }),
  ));
  parts.use(mirror); // Ends here, before what it asks.
  const metricsListener = serve(
    "metrics",
    options.metricsAddr,
    routes({ ...probes(ready), "/metrics": metricsHandler(metrics) }),
  );

  // What runs without being asked.
  parts.use(inBackground((signal) => discovery.run(signal)));
  parts.use(inBackground((signal) => advertised.run(signal)));
  parts.use(inBackground((signal) => flight.run(signal)));
  parts.use(inBackground((signal) => tellReady(ready, log, signal)));

  const running = parts.move();
  return {
    mirrorAddress: mirror.address,
    peerAddress: peer.address,
    metricsAddress: metricsListener.address,
    metrics,
    ready,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What every store is told. */
interface StoreDeps {
  readonly filter: ContentFilter;
  readonly takesPart: (digest: Digest) => boolean;
  readonly log: Log;
}

/** Loads the one that is needed: containerd's gRPC costs 22 MiB. */
async function openStore(
  options: NodeOptions,
  deps: StoreDeps,
): Promise<Store> {
  if (options.store?.kind === "layout") {
    const { layoutStore } = await import("./layout/store.ts");
    return layoutStore({ path: options.store.path, ...deps });
  }
  const { containerdStore } = await import("./containerd/store.ts");
  return containerdStore({
    socket: options.containerdSock,
    namespace: options.containerdNamespace,
    contentPath: options.containerdContentPath,
    ...deps,
  });
}

/** The deployment that the options name; without a secret it says so. */
async function deploymentOf(
  { network, secretFile }: NodeOptions,
  log: Log,
): Promise<Deployment> {
  if (secretFile === "") {
    log.warn("no secret: whoever reaches the peer listener is answered", {
      hint: "--secret-file",
    });
    return deployment({ network });
  }
  const keys = await readSecretKeys(secretFile, network);
  if (keys.weak) {
    log.warn("the secret can be guessed", {
      file: secretFile,
      hint: "head -c 32 /dev/urandom | base64",
    });
  }
  return deployment({ network, keys });
}

/** Says once in the log that the node is ready; until then it looks ever less often. */
async function tellReady(
  ready: () => Readiness,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const delays = backoff({ initialMs: 10, maxMs: 1_000 });
  while (!ready().ready && !signal.aborted) await sleep(delays.next(), signal);
  if (!signal.aborted) log.info("ready");
}

/** What a node remembers of whom not to ask, and what to take from upstream only. */
function suspicion(upstream: Upstream): {
  aside: Aside;
  leads: Leads;
  onCorrupt: (digest: Digest, sources: readonly string[]) => void;
} {
  const suspects = { aside: aside(), leads: leads(upstream) };
  return {
    ...suspects,
    onCorrupt(digest, sources) {
      suspects.leads.distrust(digest);
      for (const address of sources) {
        suspects.aside.put(address, digest, CORRUPT_ASIDE_MS);
      }
    },
  };
}

/** Ready when all are; else the reason of the first that is not. */
function firstNotReady(...states: readonly Readiness[]): Readiness {
  return states.find(({ ready }) => !ready) ?? { ready: true };
}

function metricsHandler(metrics: MetricsRegistry): Handler {
  return async (_request, { facts }) => {
    facts.handler = "metrics";
    return new Response(await metrics.text(), {
      headers: { "Content-Type": metrics.contentType },
    });
  };
}
