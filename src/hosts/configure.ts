/**
 * Puts Peili's hosts into containerd's `certs.d`, and takes them out again.
 * Whatever the user has there stays in use, byte for byte.
 * @module
 */

import type { Log } from "../log.ts";
import { DENO_FILES } from "./file_operations.ts";
import type { FileOperations } from "./file_operations.ts";
import { type FolderPlan, HOSTS_FILE } from "./folder_plan.ts";
import { isHostsFolder } from "./folders.ts";
import { planHosts, rootOf, type Wanted } from "./plan.ts";
import {
  addFolder,
  clearUnfinished,
  removeFolder,
  replaceFile,
} from "./replace_file.ts";

/** What `configureHosts` may be given. */
export interface ConfigureOptions {
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
export type FolderOutcome =
  & {
    folder: string;
    /** The user has changed the file since Peili wrote it; that stays. */
    edited: boolean;
  }
  & (
    | { kind: "written" | "removed" | "unchanged" }
    | { kind: "left-alone"; why: string }
  );

/**
 * Makes the folders say what is wanted, each in one step; runs after the first
 * change nothing. Without wanted hosts it takes out what the deployment has
 * there, so that each file is what it was, with what the user added since. A
 * folder whose `hosts.toml` cannot be read, or is a link, is left alone.
 *
 * Nothing of the user's is ever removed or moved, and two runs wait for each
 * other. A run that is cut off at any point leaves every file whole, and the
 * next one completes it.
 *
 * @param configPath one folder, not a list with colons.
 * @returns one outcome a folder. Its name is `host_port_` where the user has
 * that one, since containerd prefers it.
 * @throws {TypeError} when the path is not usable.
 * @throws {Error} when reading or writing fails, or a folder's name is not a
 * registry; the folders before it are done.
 */
export async function configureHosts(
  configPath: string,
  wanted: Wanted,
  options: ConfigureOptions = {},
): Promise<FolderOutcome[]> {
  const { files = DENO_FILES, log } = options;
  const root = rootOf(configPath);
  if (wanted.hosts.length > 0) await files.makeFolder(root);
  else if (!await files.status(root)) return [];
  using _turn = await files.lock(root);
  await clearUnfinished(files, root, HOSTS_FILE);
  for (const folder of (await files.folderNames(root)).filter(isHostsFolder)) {
    await clearUnfinished(files, `${root}/${folder}`, HOSTS_FILE);
  }
  const outcomes: FolderOutcome[] = [];
  for await (const plan of planHosts(root, wanted, files)) {
    const outcome = await carryOut(files, root, plan);
    const notable = outcome.kind === "left-alone" || outcome.edited;
    log?.[notable ? "warn" : "info"]("hosts.toml", { ...outcome });
    outcomes.push(outcome);
  }
  return outcomes;
}

async function carryOut(
  files: FileOperations,
  root: string,
  plan: FolderPlan,
): Promise<FolderOutcome> {
  const { folder, edited } = plan;
  const path = `${root}/${folder}/${HOSTS_FILE}`;
  try {
    switch (plan.kind) {
      case "write":
        if (!plan.add) await replaceFile(files, path, plan.after);
        else {
          const file = { ...plan.after, name: HOSTS_FILE };
          await addFolder(files, `${root}/${folder}`, file);
        }
        return { kind: "written", folder, edited };
      case "remove":
        if (!plan.withFolder) await files.remove(path);
        else await removeFolder(files, `${root}/${folder}`, HOSTS_FILE);
        return { kind: "removed", folder, edited };
      default:
        return plan;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write ${path}: ${why}`, { cause });
  }
}
