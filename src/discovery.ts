/**
 * The router that the options name, as one part of a node.
 *
 * @module
 */

import type { ListenAddress } from "./listen.ts";
import type { Log } from "./log.ts";
import type { Deployment } from "./proof/deployment.ts";
import { idHandler } from "./routing/bootstrap/http.ts";
import {
  bootstrapOf,
  type BootstrapOptions,
  type DiscoveryKind,
  KIND_OPTIONS,
  kindOf,
} from "./routing/bootstrap/kinds.ts";
import type { Libp2pRouter } from "./routing/libp2p/router.ts";
import type { PeerFetch } from "./routing/peer_fetch.ts";
import type { Router } from "./routing/router.ts";
import { staticPeers } from "./routing/static_peers.ts";

/** What the user says of discovery. */
export interface DiscoveryOptions extends Partial<WithBootstrap> {
  /**
   * How nodes find each other; `static-peers` needs no router. "": the kind
   * whose option is given; where none is, the node is alone.
   *
   * @default {""}
   */
  readonly bootstrapKind?: DiscoveryKind | "";
  /** `static-peers`: `host:port` of every node's peer listener. */
  readonly staticPeers: readonly string[];
  /**
   * Kind `http`: where this node says who it is; "": at port 5003 of every
   * address.
   *
   * @default {""}
   */
  readonly httpBootstrapAddr?: ListenAddress | "";
  /**
   * Where the router listens.
   *
   * @default {{ hostname: "::", port: 5001 }}
   */
  readonly routerAddr?: ListenAddress;
  /**
   * Folder where this node's identity is kept.
   *
   * @default {"/var/lib/peili"}
   */
  readonly dataDir?: string;
  /**
   * IP under which other nodes reach this one; "": as they see it.
   *
   * @default {""}
   */
  readonly peerIp?: string;
  /**
   * Where this node is; "" for nowhere in particular.
   *
   * @default {""}
   */
  readonly zone?: string;
}

/** What the kinds of bootstrap need, "" or nothing where another kind is used. */
export type WithBootstrap = Omit<BootstrapOptions, "bootstrapKind">;

const DEFAULTS = {
  bootstrapKind: "" as const,
  httpBootstrapAddr: "" as const,
  dnsBootstrapDomain: "",
  httpBootstrapPeer: "",
  staticBootstrapPeers: [],
  routerAddr: { hostname: "::", port: 5001 },
  dataDir: "/var/lib/peili",
  peerIp: "",
  zone: "",
};

/** What discovery needs of other parts. */
export interface DiscoveryDeps {
  /** Who belongs to this node. */
  readonly deployment: Deployment;
  /** Asks peers. */
  readonly fetcher: PeerFetch;
  /** Hears who comes and goes. */
  readonly log: Log;
}

/** Discovery that runs until it is disposed of. */
export interface Discovery extends AsyncDisposable {
  /** This process's id, as its peers know it. */
  readonly id: string;
  /** Knows who has what. */
  readonly router: Router;
  /** Tells where the peer listener is, once it is there. */
  announce(peer: ListenAddress): void;
  /** Does what must be done all the time, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Answers `/id` for the kind `http`; null for the others. */
  readonly answerId: ((request: Request) => Response) | null;
}

/**
 * Starts discovery.
 *
 * @param options What the user said
 * @param deps Deployment, and how peers are asked
 * @returns Discovery, which tells nobody of this node before it is announced
 * @throws {Error} If its kind lacks an option or cannot be told, or its address
 * cannot be had
 */
export async function startDiscovery(
  options: DiscoveryOptions,
  deps: DiscoveryDeps,
): Promise<Discovery> {
  const all = { ...DEFAULTS, ...options };
  const bootstrapKind = kindOf(all);
  if (bootstrapKind !== null && bootstrapKind !== "static-peers") {
    return await found({ ...all, bootstrapKind }, deps);
  }
  if (bootstrapKind === null) {
    const hint = Object.values(KIND_OPTIONS).join(", ");
    deps.log.warn("no other node is named: this one works alone", { hint });
  }
  return listed(all, deps);
}

function listed(
  { staticPeers: addresses, zone = DEFAULTS.zone }: DiscoveryOptions,
  { fetcher, log }: DiscoveryDeps,
): Discovery {
  const id = crypto.randomUUID();
  const router = staticPeers({ id, addresses, zone, fetcher, log });
  return {
    id,
    router,
    announce() {/* the list says it */},
    run: (signal) => router.run(signal),
    answerId: null,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function found(
  options: Required<DiscoveryOptions> & BootstrapOptions,
  { deployment, log }: DiscoveryDeps,
): Promise<Discovery> {
  const { routerAddr, peerIp, zone, bootstrapKind } = options;
  const bootstrap = bootstrapOf(options, routerAddr.port);
  // Whoever lists the peers does not need libp2p, 7 MiB and 0.1 s.
  const { keptIdentity, startLibp2p } = await import(
    "./routing/libp2p/router.ts"
  );
  const router = await startLibp2p({
    identity: await keptIdentity(options.dataDir, { log }),
    listen: { host: routerAddr.hostname, port: routerAddr.port },
    prefix: `/peili/${deployment.network}`,
    swarmKey: deployment.swarmKey,
    bootstrap,
    ip: peerIp === "" ? null : peerIp,
    zone,
    log,
  });
  return {
    id: router.id,
    router,
    announce: ({ hostname, port }) => router.announce({ host: hostname, port }),
    run: () => Promise.resolve(),
    answerId: bootstrapKind === "http" ? answersId(router) : null,
    [Symbol.asyncDispose]: () => router[Symbol.asyncDispose](),
  };
}

function answersId(router: Libp2pRouter): (request: Request) => Response {
  const answer = idHandler(() => router.info());
  return ({ url }) => {
    // The first to ask tells where this node is: it has found it there.
    router.seenAt(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
    return answer();
  };
}
