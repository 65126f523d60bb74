/**
 * Where Peili is on this node, and which hosts of `certs.d` are Peili.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";
import { endpointKey } from "../hosts/endpoint.ts";
import type { HostEntry } from "../hosts/hosts_toml.ts";
import { formatAddress, type ListenAddress } from "../listen.ts";
import type { HostsFolder } from "./hosts_folders.ts";

/** Where Peili is. */
export interface Mirrors {
  /** URLs in `certs.d` that are meant to be Peili, in order, each once. */
  readonly named: readonly string[];
  /** Tells whether a host is meant to be Peili. */
  isOwn(url: string): boolean;
  /** Those of a folder, in their order. */
  ownHosts(folder: HostsFolder): readonly HostEntry[];
  /** The URL at which containerd should ask. */
  readonly target: string;
  /** Whether Peili answers there. */
  readonly answers: boolean;
  /** Whether Peili answers anywhere on this node. */
  readonly runs: boolean;
}

/** What tells where Peili is. */
export interface MirrorsDeps {
  readonly options: {
    readonly mirrorAddr: ListenAddress;
    readonly nodeIp: readonly string[];
    readonly staticPeers: readonly string[];
  };
  readonly fetcher: typeof fetch;
  /** IP addresses of this machine or pod. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

/** The ports that the chart gives a node: the host's own, and the service's. */
const NODE_PORTS = [30020, 30021];

/** Milliseconds for one answer on this node. */
const ANSWER_MS = 2_000;

/**
 * Finds Peili on this node.
 *
 * @param deps What tells
 * @param folders What is in `certs.d`
 * @returns Where it is, or would be
 */
export async function mirrorsOf(
  deps: MirrorsDeps,
  folders: readonly HostsFolder[],
): Promise<Mirrors> {
  const { options: { mirrorAddr }, fetcher, addresses, signal } = deps;
  const ports = [...NODE_PORTS, mirrorAddr.port];
  const marked = new Set(
    folders.flatMap((folder) => folder.marked.map(endpointKey)),
  );
  const isOwn = (url: string) => {
    if (marked.has(endpointKey(url))) return true;
    const { hostname = "", port = "" } = URL.parse(url) ?? {};
    return isHere(hostname, addresses) && ports.includes(Number(port));
  };
  const ownHosts = ({ file }: HostsFolder) =>
    file?.hosts.filter(({ url }) => isOwn(url)) ?? [];
  const named = folders.flatMap(ownHosts).map(({ url }) => url);
  const candidates = [
    ...named.filter((url) => isHere(URL.parse(url)?.hostname ?? "", addresses)),
    ...placesOf(mirrorAddr, likeliestFirst(deps)),
  ];
  const inside = `http://${formatAddress(reachable(mirrorAddr))}`;
  const answers = await Promise.all(
    [...candidates, inside].map((url) => answersAsPeili(url, fetcher, signal)),
  );
  const at = answers.indexOf("peili");
  const answering = at < 0 ? undefined : candidates[at];
  return {
    named: [...new Set(named)],
    isOwn,
    ownHosts,
    target: answering ?? candidates[0] ?? inside,
    answers: answering !== undefined,
    runs: at >= 0,
  };
}

/**
 * Addresses by which containerd may reach this node: in a pod none but the
 * node's, else those first by which other nodes know it.
 */
function likeliestFirst({ options, addresses }: MirrorsDeps): string[] {
  if (options.nodeIp.length > 0) return [...options.nodeIp];
  const known = addresses.filter((address) =>
    options.staticPeers.some((peer) =>
      peer.startsWith(`${address}:`) || peer.startsWith(`[${address}]:`)
    )
  );
  return [...new Set([...known, ...addresses])];
}

/**
 * Where a listener is reached from its own machine.
 *
 * @param address `::` and `0.0.0.0` are every address, so loopback, too
 */
export function reachable({ hostname, port }: ListenAddress): ListenAddress {
  const everywhere = hostname === "::" || hostname === "0.0.0.0";
  return { hostname: everywhere ? "127.0.0.1" : hostname, port };
}

/** Where a mirror may be reached here: by the node's address, if it can be. */
function placesOf(
  { hostname, port }: ListenAddress,
  addresses: readonly string[],
): string[] {
  const everywhere = hostname === "::" || hostname === "0.0.0.0";
  const hosts = everywhere
    ? addresses.filter((address) => !isLoopback(address))
    : [hostname];
  const [hostPort = port] = NODE_PORTS;
  return hosts.flatMap((host) =>
    [...new Set([hostPort, port])].map((port) =>
      `http://${formatAddress({ hostname: host, port })}`
    )
  );
}

/**
 * Tells whether a host is this machine.
 *
 * @param host From a URL, IPv6 in brackets
 * @param addresses This machine's
 */
export function isHere(host: string, addresses: readonly string[]): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return isLoopback(bare) || addresses.includes(bare);
}

/** Tells whether an address never leaves a machine. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address === "localhost" ||
    address.startsWith("127.");
}

/** Who answers at a URL. */
export type Answer = "peili" | "other" | "nobody" | "late";

/** A probe's answer is 3 bytes; more than this is not Peili's. */
const MAX_PROBE_BYTES = 256;

/**
 * Asks whether Peili answers.
 *
 * @param base `http://host:port` of its mirror or metrics listener
 */
export async function answersAsPeili(
  base: string,
  fetcher: typeof fetch,
  signal: AbortSignal,
): Promise<Answer> {
  using limit = deadline(signal, ANSWER_MS);
  try {
    const response = await fetcher(`${base.replace(/\/+$/, "")}/livez`, {
      signal: limit.signal,
      redirect: "manual",
    });
    const text = await readText(response.body, MAX_PROBE_BYTES)
      .catch(() => "");
    return response.status === 200 && text === "ok\n" ? "peili" : "other";
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return limit.signal.aborted && !signal.aborted ? "late" : "nobody";
  }
}
