/**
 * Which `hosts.toml` files make containerd ask the mirror first, as values.
 * @module
 */

import { parseEndpoint } from "./endpoint.ts";
import { DEFAULT_FOLDER, isHostsFolder } from "./folders.ts";
import type { HostEntry, HostsFile } from "./hosts_toml.ts";

/**
 * How long containerd tries to connect to the mirror. Long enough for a
 * redirect to a registry far away, whose connection it bounds as well; short
 * enough that a node without its mirror goes on to the registry soon.
 */
export const DEFAULT_DIAL_TIMEOUT_MS = 1000;

/** What `mirrorHosts` is told. */
export interface MirrorHostsOptions {
  /**
   * Registries to mirror, `http(s)://host[:port]`; none, `_default` or `*`
   * means all.
   *
   * @default []
   */
  registries?: readonly string[];
  /** Where the mirror is, `http(s)://host[:port]`, asked in this order. */
  mirrorTargets: readonly string[];
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

/** One `hosts.toml` to be. */
export interface MirrorHosts {
  /** Its folder below the configuration path: `_default` or `host[:port]`. */
  folder: string;
  /** Its content. */
  file: HostsFile;
}

/**
 * Says which files to write.
 *
 * @throws {TypeError} when a registry or a target is not
 * `http(s)://host[:port]`.
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
    file: { ...(server === undefined ? {} : { server }), hosts },
  }));
}

function placeOf(registry: string): { folder: string; server?: string } {
  if (registry === "*" || registry === DEFAULT_FOLDER) {
    return { folder: DEFAULT_FOLDER };
  }
  const { authority, url } = parseEndpoint(registry, "registry");
  if (!isHostsFolder(authority)) {
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

function mirrorEntries(options: MirrorHostsOptions): HostEntry[] {
  const { mirrorTargets, resolveTags = true } = options;
  const targets = new Map<string, string>();
  for (const target of mirrorTargets) {
    const { key, url } = parseEndpoint(target, "mirror target");
    if (!targets.has(key)) targets.set(key, url);
  }
  if (targets.size === 0) {
    throw new RangeError("Cannot write hosts.toml: there is no mirror target");
  }
  const dialTimeout = goDuration(
    options.dialTimeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS,
  );
  const capabilities = resolveTags ? ["pull", "resolve"] : ["pull"];
  return [...targets.values()].map((url) => ({
    url,
    capabilities: [...capabilities],
    dialTimeout,
  }));
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
