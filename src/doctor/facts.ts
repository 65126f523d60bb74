/**
 * What the checks share: looked at once, when the first of them asks.
 *
 * @module
 */

import type {
  ContainerdInspector,
  ContainerdPlugin,
} from "../containerd/inspect.ts";
import { type Flavour, flavourOf } from "../hosts/flavours.ts";
import type { ListenAddress } from "../listen.ts";
import type { RouterAnswer } from "../routing/libp2p/ask_routers.ts";
import { type DiscoveryKind, kindOf } from "../routing/bootstrap/kinds.ts";
import type { PeerFetch } from "../routing/peer_fetch.ts";
import { type HostsFolder, readHostsFolders } from "./hosts_folders.ts";
import { type Mirrors, mirrorsOf } from "./mirrors.ts";
import {
  type FindRouters,
  type NeighbourOptions,
  othersOf,
  peersOf,
} from "./neighbours.ts";
import { asksWho, type Who } from "./peers.ts";
import { type Pulls, pullsOf } from "./pulls.ts";

/** What doctor is told: the options of the Peili that runs here, or will. */
export interface DoctorOptions extends NeighbourOptions {
  /** containerd's socket. */
  readonly containerdSock: string;
  /** Namespace whose content is shared. */
  readonly containerdNamespace: string;
  /** containerd's content folder. */
  readonly containerdContentPath: string;
  /** containerd's own configuration, `config.toml`. */
  readonly containerdConfig: string;
  /** Folder of containerd's registry configuration, `certs.d`. */
  readonly containerdRegistryConfigPath: string;
  /** kubelet's configuration. */
  readonly kubeletConfig: string;
  /** Where containerd asks. */
  readonly mirrorAddr: ListenAddress;
  /** Where people and Prometheus ask. */
  readonly metricsAddr: ListenAddress;
  /** Addresses of this node that this process does not see. */
  readonly nodeIp: readonly string[];
  /** Name of the deployment. */
  readonly network: string;
  /** File with the deployment's secret; "": none. */
  readonly secretFile: string;
  /** Whether tags are answered. */
  readonly resolveTags: boolean;
}

/** How the world is looked at; tests give their own. */
export interface FactsDeps {
  /** Asks containerd. */
  readonly containerd: Omit<ContainerdInspector, typeof Symbol.dispose>;
  /** Asks over HTTP. */
  readonly fetcher: typeof fetch;
  /** Makes the door to peers, by the deployment's secret. */
  readonly openPeers: () => Promise<PeerFetch>;
  /** IP addresses of this machine or pod. */
  readonly addresses: () => readonly string[];
  /** Asks bootstrap. */
  readonly findRouters: FindRouters;
  /** Asks who is at routers' addresses, by the deployment's secret. */
  readonly askRouters: (
    multiaddrs: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly RouterAnswer[]>;
}

/** What is known of the node. Each rejects where its source is away. */
export interface Facts {
  readonly options: DoctorOptions;
  readonly fetcher: typeof fetch;
  /** IP addresses of this machine or pod. */
  readonly addresses: () => readonly string[];
  /** containerd's version, `1.7.24`. */
  readonly version: () => Promise<string>;
  readonly namespaces: () => Promise<readonly string[]>;
  readonly plugins: () => Promise<readonly ContainerdPlugin[]>;
  /** The flavour of Kubernetes; null: nothing tells. */
  readonly flavour: () => Promise<Flavour | null>;
  /** How containerd pulls images. */
  readonly pulls: () => Promise<Pulls>;
  /** What is in `certs.d`. */
  readonly folders: () => Promise<readonly HostsFolder[]>;
  /** Which hosts in it are Peili, and where Peili is. */
  readonly mirrors: () => Promise<Mirrors>;
  /** Who is at a peer's address; rejects where the secret cannot be read. */
  readonly who: (address: string) => Promise<Who>;
  /** How nodes find each other; null: they do not, or that cannot be told. */
  readonly kind: () => DiscoveryKind | null;
  /** Routers that bootstrap names, as multiaddresses. */
  readonly routers: () => Promise<readonly string[]>;
  /** Some of those that are not this node's. */
  readonly others: () => Promise<readonly string[]>;
  /** Where peer listeners of other nodes are; none where nobody can tell. */
  readonly peers: () => Promise<readonly string[]>;
  /** Who is at these; rejects where the secret cannot be read. */
  readonly askRouters: (
    multiaddrs: readonly string[],
  ) => Promise<readonly RouterAnswer[]>;
}

/**
 * Opens the facts; nothing is looked at yet.
 *
 * @param options What doctor is told
 * @param deps How the world is looked at
 * @param signal Ends what is looked at
 * @returns The facts
 */
export function nodeFacts(
  options: DoctorOptions,
  deps: FactsDeps,
  signal: AbortSignal,
): Facts {
  const { containerd, fetcher } = deps;
  const addresses = () => [...options.nodeIp, ...deps.addresses()];
  const version = once(() => containerd.version(signal));
  const folders = once(() =>
    readHostsFolders(options.containerdRegistryConfigPath)
  );
  const pulls = once(async () => {
    const running = await containerd.criConfig(signal);
    return await pullsOf({ options, version: await version(), running });
  });
  const mirrors = once(async () =>
    await mirrorsOf(
      { options, fetcher, addresses: addresses(), signal },
      await folders(),
    )
  );
  const askPeer = once(deps.openPeers);
  const asked = new Map<string, Promise<Who>>();
  const who = (address: string) =>
    asked.getOrInsertComputed(
      address,
      async () =>
        await asksWho(address, { ask: await askPeer(), fetcher }, signal),
    );
  const routers = once(() => deps.findRouters(options, signal));
  const others = once(async () => othersOf(await routers(), addresses()));
  const peers = once(async () => {
    const kind = knownKind(options);
    // Who cannot be named is told of by a check of its own.
    return peersOf(kind, options, await others().catch(() => []));
  });
  return {
    options,
    fetcher,
    addresses,
    who,
    kind: () => knownKind(options),
    routers,
    others,
    peers,
    askRouters: (multiaddrs) => deps.askRouters(multiaddrs, signal),
    version,
    namespaces: once(() => containerd.namespaces(signal)),
    plugins: once(() => containerd.plugins(signal)),
    flavour: once(() => flavourOf(exists)),
    pulls,
    folders,
    mirrors,
  };
}

function knownKind(options: DoctorOptions): DiscoveryKind | null {
  try {
    return kindOf(options);
  } catch {
    return null; // That it cannot be told is told by a check of its own.
  }
}

function once<T>(look: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => found ??= look();
}

/** A mark that may not be looked at is no mark. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
