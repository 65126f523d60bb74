/**
 * The folders of `certs.d` as containerd sees them.
 *
 * @module
 */

import { DENO_FILES } from "../hosts/file_operations.ts";
import { isHostsFolder } from "../hosts/folders.ts";
import { type HostsFile, parseHostsToml } from "../hosts/hosts_toml.ts";
import { splitText } from "../hosts/region.ts";

/** One folder. */
export interface HostsFolder {
  /** Its name: a registry, `_default`, or `host_port_`. */
  readonly name: string;
  /** Its path. */
  readonly path: string;
  /** What its `hosts.toml` says; null where there is none, or it is broken. */
  readonly file: HostsFile | null;
  /** Why containerd ignores its `hosts.toml`; null where it does not. */
  readonly broken: string | null;
  /** URLs of the hosts that Peili has written there. */
  readonly marked: readonly string[];
  /** The deployments of Peili that have written there. */
  readonly deployments: readonly string[];
}

/** A node has some ten; more than this is no `certs.d`. */
const MAX_FOLDERS = 1_000;

/**
 * Reads all folders.
 *
 * @param path The configuration path
 * @returns The folders by name; none where the path is not there
 */
export async function readHostsFolders(path: string): Promise<HostsFolder[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(path)) {
      // No registry's name begins with a dot, or fits no folder at all.
      if (isHostsFolder(name) && !name.startsWith(".")) names.push(name);
      if (names.length >= MAX_FOLDERS) break;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const folders = await Promise.all(
    names.sort().map((name) => readFolder(name, `${path}/${name}`)),
  );
  return folders.filter((folder) => folder !== null);
}

async function readFolder(
  name: string,
  path: string,
): Promise<HostsFolder | null> {
  if (!await isFolder(path)) return null;
  const folder: HostsFolder = {
    name,
    path,
    file: null,
    broken: null,
    marked: [],
    deployments: [],
  };
  try {
    // A link, as flavours with a read-only disk have it, is read as well.
    if (!await fileIsThere(path)) return folder;
    const text = await Deno.readTextFile(`${path}/hosts.toml`);
    const file = parseHostsToml(text);
    const parts = splitText(text).region?.parts ?? [];
    return {
      ...folder,
      file,
      marked: parts.flatMap(({ urls }) => urls),
      deployments: parts.map(({ deployment }) => deployment),
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ...folder, broken: error.message };
  }
}

/** A link may lead nowhere. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function fileIsThere(path: string): Promise<boolean> {
  return (await DENO_FILES.fileNames(path)).includes("hosts.toml");
}
