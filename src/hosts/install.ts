/**
 * Puts `hosts.toml` files into containerd's configuration path. Whatever the
 * user has there stays in use, and is kept as it was before it is replaced.
 * @module
 */

import { keepCopy } from "./backup.ts";
import type { Log } from "../log.ts";
import { DENO_FILES } from "./file_operations.ts";
import type { FileOperations } from "./file_operations.ts";
import type { MirrorHosts } from "./mirror_hosts.ts";
import { type InstallPlan, planHosts, rootOf } from "./plan.ts";
import { replaceFile } from "./replace_file.ts";

/** What `installHosts` may be given. */
export interface InstallOptions {
  /** Told what was done. */
  log?: Pick<Log, "info" | "warn">;
  /**
   * How files are read and written.
   *
   * @default DENO_FILES
   */
  files?: FileOperations;
}

/** What was done in a folder. */
export type InstallOutcome =
  | { kind: "written"; folder: string }
  | { kind: "unchanged"; folder: string }
  | { kind: "left-alone"; folder: string; why: string };

/**
 * Writes the files, each in one step; runs after the first change nothing. A
 * folder whose `hosts.toml` cannot be read, or is a link, is left alone.
 *
 * The user's own file is first copied to
 * `<configPath>/_peili_backup/<folder>/hosts.toml`; its hosts follow ours in
 * the new one. Nothing is ever deleted or moved. A run that is cut off at any
 * point has lost nothing, and the next one completes it.
 *
 * @param configPath one folder, not a list with colons.
 * @param wanted what `mirrorHosts` returned.
 * @returns one outcome for each of them, in their order. Its `folder` is
 * `host_port_` where the user has that one, since containerd prefers it.
 * @throws {TypeError} when the path is not usable.
 * @throws {Error} when reading or writing fails, or a folder's name is not a
 * registry; the folders before it are done.
 */
export async function installHosts(
  configPath: string,
  wanted: readonly MirrorHosts[],
  options: InstallOptions = {},
): Promise<InstallOutcome[]> {
  const { files = DENO_FILES, log } = options;
  const outcomes: InstallOutcome[] = [];
  for (const one of wanted) {
    // Planned one by one: what the user writes meanwhile is seen.
    for (const plan of await planHosts(configPath, [one], files)) {
      const outcome = await carryOut(files, rootOf(configPath), plan);
      const level = outcome.kind === "left-alone" ? "warn" : "info";
      log?.[level]("hosts.toml", { ...outcome });
      outcomes.push(outcome);
    }
  }
  return outcomes;
}

async function carryOut(
  files: FileOperations,
  root: string,
  plan: InstallPlan,
): Promise<InstallOutcome> {
  if (plan.kind !== "write") return plan;
  const { folder, content, replaces } = plan;
  try {
    await files.makeFolder(root);
    if (replaces) await keepCopy(files, { root, folder, content: replaces });
    await files.makeFolder(`${root}/${folder}`);
    await replaceFile(files, `${root}/${folder}/hosts.toml`, content);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const path = `${root}/${folder}/hosts.toml`;
    throw new Error(`Cannot write ${path}: ${why}`, { cause });
  }
  return { kind: "written", folder };
}
