/**
 * The entry of a `hosts.toml` that stands for the registry itself: what is
 * asked last, and where a lead is redirected to. Pure: no files.
 * @module
 */

import type { HostEntry, HostsFile } from "./hosts_toml.ts";

/** An entry whose `url` is null where containerd takes the image's registry. */
export type RegistryEntry = Omit<HostEntry, "url"> & { url: string | null };

/**
 * Finds it: `server` with the settings beside it; without it an entry of the
 * registry's own name, which is how an http registry can be told as well; else
 * the default server, which the settings beside `server` apply to.
 *
 * @param registry `host[:port]` as in an image name; null for all, `_default`.
 */
export function registryEntry(
  file: HostsFile,
  registry: string | null,
): RegistryEntry {
  const { server, hosts, ...settings } = file;
  if (server) return { ...settings, url: server };
  const own = registry === null
    ? undefined
    : hosts.find(({ url }) => URL.parse(url)?.host === registry);
  return own ?? { ...settings, url: null };
}
