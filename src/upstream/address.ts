/**
 * Where the real registry of an image is: what a lead is redirected to.
 *
 * @module
 */

import { boundedMap } from "../async/bounded_map.ts";
import type { HostSettings } from "../hosts/hosts_toml.ts";
import { registryEntry } from "../hosts/registry_entry.ts";
import { readRegistryHosts } from "../hosts/registry_hosts.ts";
import { isRegistry } from "../oci/reference.ts";

/** What decides where a registry is. */
export interface UpstreamOptions {
  /** containerd's certs.d folder, whose `server` lines count. */
  readonly configPath: string;
  /** Base URLs by registry, which win over everything. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** Finds a registry's base URL, `https://registry-1.docker.io`; null: unknown. */
export type Upstream = (registry: string) => Promise<string | null>;

/** Registries whose images are served under another name. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ["docker.io", "https://registry-1.docker.io"],
]);

/** This machine: what is tried out there has no certificate, as for containerd. */
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/;

/**
 * Where a registry is when nobody says.
 *
 * @param registry Host with an optional port
 * @returns Its base URL: https, but http on this machine
 */
export function registryUrl(registry: string): string {
  const scheme = LOOPBACK.test(registry) ? "http" : "https";
  return WELL_KNOWN.get(registry) ?? `${scheme}://${registry}`;
}

/** containerd reads its files at every pull; here they are read this often, in ms. */
const REREAD_MS = 5_000;
const MAX_REGISTRIES = 256;

/**
 * Makes the finder of a node.
 *
 * @param options Where to look
 * @param now Milliseconds of a clock that does not go back
 * @returns The finder: override, then the `server` of hosts.toml, then its
 * entry of the registry's own name, then where {@linkcode registryUrl} says
 */
export function upstreamAddress(
  options: UpstreamOptions,
  now: () => number = () => performance.now(),
): Upstream {
  const known = boundedMap<string, { url: string | null; until: number }>(
    MAX_REGISTRIES,
  );

  async function find(registry: string): Promise<string | null> {
    if (!isRegistry(registry)) return null; // It may come from a request.
    const override = options.overrides.get(registry);
    if (override) return baseUrl(override);
    const hosts = await readRegistryHosts(options.configPath, registry);
    // A `_default` folder speaks for all registries, so not of this one's place.
    if (hosts?.kind === "hosts" && !hosts.path.endsWith("/_default")) {
      const entry = registryEntry(hosts.file, registry);
      if (entry.url !== null) return serverUrl(entry.url, entry);
    }
    return registryUrl(registry);
  }

  return async (registry) => {
    const cached = known.get(registry);
    if (cached && cached.until > now()) return cached.url;
    const url = await find(registry);
    known.set(registry, { url, until: now() + REREAD_MS });
    return url;
  };
}

/** A `server` as containerd reads it; null where its paths do not begin with /v2. */
function serverUrl(
  server: string,
  { overridePath }: HostSettings,
): string | null {
  const url = server.includes("://") ? server : `https://${server}`;
  return overridePath && !/\/v2\/*$/.test(url) ? null : baseUrl(url);
}

/**
 * Without a trailing slash or `/v2`; null when it is no http(s) URL to which a
 * path can be added.
 */
function baseUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return null;
  if (/[?#\s]/.test(text)) return null;
  return text.replace(/\/+$/, "").replace(/\/v2$/, "");
}
