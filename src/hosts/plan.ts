/**
 * Says what installing would do in each folder, reading only.
 * @module
 */

import { DENO_FILES } from "./file_operations.ts";
import type { FileOperations, NewFile } from "./file_operations.ts";
import { isHostsFolder, registryFolders } from "./folders.ts";
import type { HostsFile } from "./hosts_toml.ts";
import { mergeHosts } from "./merge.ts";
import type { MirrorHosts } from "./mirror_hosts.ts";

/** What is to be done in a folder; nothing has been touched yet. */
export type InstallPlan =
  | {
    kind: "write";
    folder: string;
    /** The new file. */
    content: NewFile;
    /** The user's file that it replaces, to be kept first; or null. */
    replaces: NewFile | null;
  }
  | { kind: "unchanged"; folder: string }
  | { kind: "left-alone"; folder: string; why: string };

/**
 * Says what `installHosts` would do, and touches nothing.
 *
 * @param configPath one folder, not a list with colons.
 * @param wanted what `mirrorHosts` returned.
 * @param files how files are read.
 * @throws {TypeError} when the path is not usable.
 * @throws {Error} when reading fails, or a folder's name is not a registry.
 */
export async function planHosts(
  configPath: string,
  wanted: readonly MirrorHosts[],
  files: FileOperations = DENO_FILES,
): Promise<InstallPlan[]> {
  const root = rootOf(configPath);
  const plans: InstallPlan[] = [];
  for (const { folder, file } of wanted) {
    try {
      const used = await folderInUse(files, root, folder);
      plans.push(await planFolder(files, `${root}/${used}`, file));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot read ${root}/${folder}: ${why}`, {
        cause,
      });
    }
  }
  return plans;
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

async function planFolder(
  files: FileOperations,
  path: string,
  own: HostsFile,
): Promise<InstallPlan> {
  const folder = path.slice(path.lastIndexOf("/") + 1);
  const leftAlone = (why: string): InstallPlan => {
    return { kind: "left-alone", folder, why };
  };
  const status = await files.status(path);
  if (status && status.kind !== "folder") return leftAlone("not a folder");
  const hosts = await files.status(`${path}/hosts.toml`);
  if (hosts && hosts.kind !== "file") {
    // Replacing a link would hide the file of whoever made it.
    return leftAlone("hosts.toml is not a regular file");
  }
  const names = await files.fileNames(path);
  const old = hosts && {
    bytes: await files.read(`${path}/hosts.toml`),
    mode: hosts.mode,
  };
  try {
    const text = old ? decode(old.bytes) : null;
    const merged = mergeHosts(own, { text, names });
    if (merged.text === text) return { kind: "unchanged", folder };
    return {
      kind: "write",
      folder,
      content: {
        bytes: new TextEncoder().encode(merged.text),
        // What the user closed to others stays closed.
        mode: (old?.mode ?? 0o644) & 0o644,
      },
      replaces: merged.replacesUser ? old : null,
    };
  } catch (error) {
    if (error instanceof SyntaxError) return leftAlone(error.message);
    throw error;
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError("Cannot read hosts.toml: not UTF-8", { cause });
  }
}
