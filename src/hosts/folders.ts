/**
 * The folders below containerd's `certs.d`: which one belongs to a registry,
 * and which one never does.
 * @module
 */

/** Read for every registry that has no folder of its own. */
export const DEFAULT_FOLDER = "_default";

/** Letters, digits, dots, hyphens; a port; brackets and colons of IPv6. */
const REGISTRY = /^[A-Za-z0-9[][A-Za-z0-9.\-[\]:]*$/;

/** How containerd also writes `host:port`, and looks for it first. */
const PORTABLE = /^(.+)_(\d+)_$/;

/**
 * The folders that containerd tries for a registry, in its order; the first
 * that exists wins, and nothing is merged.
 *
 * @param registry `host[:port]` as in an image name. It may come from a
 * request: what cannot be a registry, such as `../x`, has no folders.
 */
export function registryFolders(registry: string): string[] {
  if (!REGISTRY.test(registry)) return [];
  const folders = [registry, DEFAULT_FOLDER];
  const colon = registry.lastIndexOf(":");
  if (colon <= 0) return folders;
  // containerd does this with any last colon, also with one of a bare IPv6.
  const portable = `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_`;
  return [portable, ...folders];
}

/** Whether files may be written below this name: a registry or `_default`. */
export function isHostsFolder(folder: string): boolean {
  return folder === DEFAULT_FOLDER || registryOf(folder) !== null;
}

/** The registry that a folder is of; null for `_default` and what is none. */
export function registryOf(folder: string): string | null {
  const registry = folder.replace(PORTABLE, "$1:$2");
  return REGISTRY.test(registry) ? registry : null;
}
