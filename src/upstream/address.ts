/**
 * Where the real registry of an image is: what a lead is redirected to.
 *
 * @module
 */

import { boundedMap } from "../async/bounded_map.ts";
import { readRegistryHosts } from "../hosts/registry_hosts.ts";

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
const WELL_KNOWN: Readonly<Record<string, string>> = {
  "docker.io": "https://registry-1.docker.io",
};

/** containerd reads its files at every pull; here they are read this often, in ms. */
const REREAD_MS = 5_000;
const MAX_REGISTRIES = 256;

/**
 * Makes the finder of a node.
 *
 * @param options Where to look
 * @param now Milliseconds of a clock that does not go back
 * @returns The finder: override, then the `server` of hosts.toml, then the
 * well-known name, then the registry itself over https
 */
export function upstreamAddress(
  options: UpstreamOptions,
  now: () => number = () => performance.now(),
): Upstream {
  const known = boundedMap<string, { url: string | null; until: number }>(
    MAX_REGISTRIES,
  );

  async function find(registry: string): Promise<string | null> {
    const override = options.overrides.get(registry);
    if (override) return baseUrl(override);
    const hosts = await readRegistryHosts(options.configPath, registry);
    const server = hosts?.kind === "hosts" ? hosts.file.server : undefined;
    // A `_default` folder speaks for all registries, so not of this one's place.
    const own = hosts && !hosts.path.endsWith("/_default");
    if (own && server) return baseUrl(server);
    return baseUrl(WELL_KNOWN[registry] ?? `https://${registry}`);
  }

  return async (registry) => {
    const cached = known.get(registry);
    if (cached && cached.until > now()) return cached.url;
    const url = await find(registry);
    known.set(registry, { url, until: now() + REREAD_MS });
    return url;
  };
}

/** Without a trailing slash or `/v2`; null when it is no http(s) URL. */
function baseUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return null;
  return text.replace(/\/+$/, "").replace(/\/v2$/, "");
}
