/**
 * Which `hosts.toml` files make containerd ask the mirror first, as values.
 * @module
 */

import {
  bracketed,
  type Endpoint,
  isLoopback,
  parseEndpoint,
} from "./endpoint.ts";
import { DEFAULT_FOLDER, registryOf } from "./folders.ts";
import type { MirrorHost } from "./with_hosts.ts";

/**
 * How long containerd tries to connect to the mirror. Long enough for a
 * redirect to a registry far away, whose connection it bounds as well; short
 * enough that a node without its mirror goes on to the registry soon.
 */
export const DEFAULT_DIAL_TIMEOUT_MS = 1000;

/** Stands for the node's address in a target, where a machine fills it in. */
export const NODE_IP = "NODE_IP";

/** What `mirrorHosts` is told. */
export interface MirrorHostsOptions {
  /**
   * Registries to mirror, `http(s)://host[:port]`; none, `_default` or `*`
   * means all.
   *
   * @default []
   */
  registries?: readonly string[];
  /** Where Peili is, `http(s)://host[:port]`, asked in this order. */
  mirrorTargets: readonly string[];
  /**
   * Further mirrors, asked after Peili, without what the registry is reached
   * with.
   *
   * @default []
   */
  additionalTargets?: readonly string[];
  /**
   * Whether a target may be this machine's loopback: only where Peili listens
   * there itself.
   *
   * @default false
   */
  loopback?: boolean;
  /**
   * Whether `NODE_IP` may be in a target: only where it is filled in later.
   *
   * @default false
   */
  placeholder?: boolean;
  /**
   * Whether the mirror is also asked which digest a tag has.
   *
   * @default true
   */
  resolveTags?: boolean;
  /**
   * How long a connection to the mirror may take, in milliseconds.
   *
   * @default DEFAULT_DIAL_TIMEOUT_MS
   */
  dialTimeoutMs?: number;
}

/** What goes into one folder. */
export interface MirrorHosts {
  /** Its name below the configuration path: `_default` or `host[:port]`. */
  folder: string;
  /** Where the registry is, for a file that does not say; absent for all. */
  server?: string;
  /** In the order in which containerd asks. */
  hosts: readonly MirrorHost[];
}

/**
 * Says what to write where.
 *
 * @throws {TypeError} when a registry or a target is not
 * `http(s)://host[:port]`, or a target is loopback.
 * @throws {RangeError} when there is no target, the time is no positive whole
 * number, or one registry is given with two schemes.
 */
export function mirrorHosts(options: MirrorHostsOptions): MirrorHosts[] {
  const hosts = mirrorEntries(options);
  const registries = options.registries?.length
    ? options.registries
    : [DEFAULT_FOLDER];
  const servers = new Map<string, string | undefined>();
  for (const registry of registries) {
    const { folder, server } = placeOf(registry);
    if (servers.has(folder) && servers.get(folder) !== server) {
      throw new RangeError(
        `Cannot mirror ${folder}: it is given as both http and https`,
      );
    }
    servers.set(folder, server);
  }
  return [...servers].map(([folder, server]) => ({
    folder,
    ...(server === undefined ? {} : { server }),
    hosts,
  }));
}

function placeOf(registry: string): { folder: string; server?: string } {
  if (registry === "*" || registry === DEFAULT_FOLDER) {
    return { folder: DEFAULT_FOLDER };
  }
  const { authority, url } = parseEndpoint(registry, "registry");
  if (registryOf(authority) !== authority) {
    throw new TypeError(
      `Cannot use registry ${JSON.stringify(registry)}: ` +
        "no image name can begin with its host",
    );
  }
  // Docker Hub's name in images is not the host that serves its API.
  const server = url === "https://docker.io"
    ? "https://registry-1.docker.io"
    : url;
  return { folder: authority, server };
}

function mirrorEntries(options: MirrorHostsOptions): MirrorHost[] {
  const { resolveTags = true } = options;
  const own = options.mirrorTargets.map((text) => ownTarget(text, options));
  if (own.length === 0) {
    throw new RangeError("Cannot write hosts.toml: there is no mirror target");
  }
  const further = (options.additionalTargets ?? []).map((text) =>
    parseEndpoint(bracketed(text), "additional mirror target")
  );
  const dialTimeout = goDuration(
    options.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS,
  );
  const capabilities = resolveTags ? ["pull", "resolve"] : ["pull"];
  const entries = new Map<string, MirrorHost>();
  for (const target of [...own, ...further]) {
    if (entries.has(target.key)) continue;
    const redirects = own.includes(target);
    const { url } = target;
    entries.set(target.key, {
      ...{ url, redirects, dialTimeout },
      capabilities: [...capabilities],
    });
  }
  return [...entries.values()];
}

function ownTarget(
  text: string,
  { loopback = false, placeholder = false }: MirrorHostsOptions,
): Endpoint {
  const target = parseEndpoint(bracketed(text), "mirror target");
  if (!placeholder && text.includes(NODE_IP)) {
    throw rejected(text, "NODE_IP stands for the node's address: give that");
  }
  if (loopback || !isLoopback(target)) return target;
  throw rejected(
    text,
    "it is loopback, where a host port or node port of Kubernetes does not " +
      "answer with every network plugin and kube-proxy mode; give the node's " +
      "IP, or --loopback where Peili itself listens there",
  );
}

function rejected(text: string, why: string): TypeError {
  return new TypeError(
    `Cannot use mirror target ${JSON.stringify(text)}: ${why}`,
  );
}

/** Go reads `1s` and `200ms`. */
function goDuration(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds <= 0) {
    throw new RangeError(
      `Cannot use dial timeout ${milliseconds}: ` +
        "it must be a positive whole number of milliseconds",
    );
  }
  return milliseconds % 1000 === 0
    ? `${milliseconds / 1000}s`
    : `${milliseconds}ms`;
}
