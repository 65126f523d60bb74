/**
 * Says what configuring and restoring would do below containerd's `certs.d`,
 * reading only.
 * @module
 */

import type { FileOperations } from "./file_operations.ts";
import {
  deploymentsIn,
  type FolderPlan,
  hasSettings,
  planFolder,
  planRestore,
} from "./folder_plan.ts";
import {
  DEFAULT_FOLDER,
  isHostsFolder,
  registryFolders,
  registryOf,
} from "./folders.ts";
import type { MirrorHosts } from "./mirror_hosts.ts";
import { isDeployment } from "./region.ts";
import type { WantedHosts } from "./with_hosts.ts";

/** What one deployment wants below the configuration path. */
export interface Wanted {
  /** The deployment's name. */
  readonly deployment: string;
  /** What `mirrorHosts` returned. Nothing is taken out of them: restore. */
  readonly hosts: readonly MirrorHosts[];
  /**
   * Whether folders of registries stay as they are where all registries are
   * mirrored. containerd then asks no mirror for those: they hide `_default`.
   */
  readonly keepExisting: boolean;
}

/**
 * Plans every folder: those that are wanted, those of the user's that would
 * hide `_default`, and those where the deployment has lines that it wants no
 * more. A registry that only the user's `_default` speaks for is left to it.
 *
 * @param root the configuration path, as `rootOf` gives it.
 * @throws {TypeError} when the deployment's name cannot be one.
 * @throws {Error} when reading fails, or a folder's name is not a registry.
 */
export async function* planHosts(
  root: string,
  wanted: Wanted,
  files: FileOperations,
): AsyncGenerator<FolderPlan> {
  const { deployment } = wanted;
  if (!isDeployment(deployment)) {
    throw new TypeError(`Cannot use deployment ${JSON.stringify(deployment)}`);
  }
  const places = await placesOf(files, root, wanted);
  const existing = (await files.folderNames(root)).filter(isHostsFolder);
  for (const folder of new Set([...places.keys(), ...existing])) {
    const path = `${root}/${folder}`;
    try {
      const place = places.get(folder);
      if (place && await hidesDefault(files, root, folder)) {
        yield { kind: "left-alone", folder, why: WOULD_HIDE, edited: false };
        continue;
      }
      const plan = place
        ? await planFolder(files, path, { ...place, deployment })
        : await planRestore(files, path, deployment);
      if (plan) yield plan;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot read ${path}: ${why}`, { cause });
    }
  }
}

/**
 * Names of the deployments that have lines below the configuration path.
 *
 * @param root as `rootOf` gives it.
 * @throws {Error} when reading fails.
 */
export async function deploymentsBelow(
  root: string,
  files: FileOperations,
): Promise<Set<string>> {
  const folders = (await files.folderNames(root)).filter(isHostsFolder);
  const names = await Promise.all(
    folders.map((folder) => deploymentsIn(files, `${root}/${folder}`)),
  );
  return new Set(names.flat());
}

/**
 * The configuration path, without slashes at its end.
 *
 * @throws {TypeError} when it is empty or a list.
 */
export function rootOf(configPath: string): string {
  if (configPath === "" || configPath.includes(":")) {
    throw new TypeError(
      `Cannot write below ${JSON.stringify(configPath)}: it must be one ` +
        "folder. containerd 2.1 and later ignores hosts.toml when its " +
        "config_path is a list",
    );
  }
  return configPath.replace(/(?<=.)\/+$/, "");
}

const WOULD_HIDE = "your _default is in use for it, and a folder of its own " +
  "would hide that from containerd; mirror all registries, which adds to " +
  "_default, or make the folder yourself and run configure again";

/** Whether a folder, if it came, would take the user's `_default` out of use. */
async function hidesDefault(
  files: FileOperations,
  root: string,
  folder: string,
): Promise<boolean> {
  if (await files.status(`${root}/${folder}`)) return false;
  if (folder === DEFAULT_FOLDER) return false;
  return await hasSettings(files, `${root}/${DEFAULT_FOLDER}`);
}

/** What is wanted in which folder. */
async function placesOf(
  files: FileOperations,
  root: string,
  { deployment, hosts, keepExisting }: Wanted,
): Promise<Map<string, Omit<WantedHosts, "deployment">>> {
  const places = new Map<string, Omit<WantedHosts, "deployment">>();
  for (const { folder, ...rest } of hosts) {
    const used = await folderInUse(files, root, folder);
    places.set(used, { ...rest, registry: registryOf(used) });
  }
  const all = places.get(DEFAULT_FOLDER);
  if (!all || keepExisting) return places;
  for (const folder of await files.folderNames(root)) {
    const registry = registryOf(folder);
    if (registry === null || places.has(folder)) continue;
    const plan = await planRestore(files, `${root}/${folder}`, deployment);
    // Without this deployment it would not be there, and hide nothing.
    if (plan?.kind === "remove" && plan.withFolder) continue;
    places.set(folder, { hosts: all.hosts, registry });
  }
  return places;
}

/** The folder that containerd reads once the wanted one exists. */
async function folderInUse(
  files: FileOperations,
  root: string,
  folder: string,
): Promise<string> {
  if (!isHostsFolder(folder)) {
    throw new TypeError(`${JSON.stringify(folder)} is not a registry`);
  }
  const [preferred = folder] = registryFolders(folder);
  return await files.status(`${root}/${preferred}`) ? preferred : folder;
}
