/**
 * Finds what containerd knows about a registry, in containerd's own order.
 * @module
 */

import { certificateSettings } from "./certificates.ts";
import { DENO_FILES } from "./file_operations.ts";
import { registryFolders } from "./folders.ts";
import { type HostsFile, parseHostsToml } from "./hosts_toml.ts";

/** What containerd's configuration says about a registry. */
export type RegistryHosts =
  | {
    kind: "hosts";
    /** The folder that was found, with its configuration path. */
    path: string;
    /** Its `hosts.toml`, or its certificates alone. */
    file: HostsFile;
  }
  | {
    /** It cannot be read. containerd ignores a file that is not valid. */
    kind: "invalid";
    /** The folder that was found, with its configuration path. */
    path: string;
    /** Why not, for a log or a report. */
    reason: string;
  };

/**
 * Reads the hosts of a registry: of the folders that containerd tries, the
 * first that exists, also when nothing useful is in it.
 *
 * @param configPath containerd's `config_path`; of a list with colons, the
 * first that has a folder for the registry.
 * @param registry `host[:port]` as in an image name.
 * @returns null when there is no folder for it. Never throws for what it
 * finds on disk.
 */
export async function readRegistryHosts(
  configPath: string,
  registry: string,
): Promise<RegistryHosts | null> {
  const folders = registryFolders(registry);
  for (const root of configPath.split(":").filter((part) => part !== "")) {
    for (const folder of folders) {
      const path = `${root.replace(/\/+$/, "")}/${folder}`;
      const found = await readFolder(path);
      if (found) return found;
    }
  }
  return null;
}

async function readFolder(path: string): Promise<RegistryHosts | null> {
  try {
    if (!await exists(path)) return null;
    const file = `${path}/hosts.toml`;
    const text = await exists(file) ? await Deno.readTextFile(file) : "";
    if (text !== "") return { kind: "hosts", path, file: parseHostsToml(text) };
    const settings = certificateSettings(await DENO_FILES.fileNames(path));
    return { kind: "hosts", path, file: { ...settings, hosts: [] } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "invalid", path, reason };
  }
}

/** Links are followed, as containerd does. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
