/**
 * The certificates that containerd reads from a registry's folder while there
 * is no `hosts.toml` in it, said in the words of `hosts.toml`.
 * @module
 */

import type { HostSettings } from "./hosts_toml.ts";

/**
 * The settings that keep a folder's certificates in use: `*.crt` are CAs,
 * `*.cert` are client certificates with their `*.key` beside them. containerd
 * stops looking for such files as soon as a `hosts.toml` is there, so one that
 * comes to such a folder must name them.
 *
 * @param names the names of the files in the folder.
 */
export function certificateSettings(names: readonly string[]): HostSettings {
  const sorted = [...names].sort();
  const ca = sorted.filter((name) => name.endsWith(".crt"));
  const client = sorted.filter((name) => name.endsWith(".cert"))
    .map((name) => {
      const key = name.replace(/\.cert$/, ".key");
      return sorted.includes(key) ? [name, key] : name;
    });
  return {
    ...(ca.length > 0 ? { ca } : {}),
    ...(client.length > 0 ? { client } : {}),
  };
}
