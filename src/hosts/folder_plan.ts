/**
 * What is to be done in one folder of containerd's `certs.d`, reading only.
 * @module
 */

import type { FileOperations, NewFile } from "./file_operations.ts";
import { splitText } from "./region.ts";
import {
  type ComposedText,
  type FolderContent,
  userFile,
  type WantedHosts,
  withHosts,
  withoutHosts,
} from "./with_hosts.ts";

/** What is to be done in a folder; nothing has been touched yet. */
export type FolderPlan =
  & {
    /** Its name below the configuration path. */
    folder: string;
    /** The user has changed the file since Peili wrote it; that stays. */
    edited: boolean;
  }
  & (
    | { kind: "write"; before: NewFile | null; after: NewFile; add: boolean }
    | { kind: "remove"; before: NewFile; withFolder: boolean }
    | { kind: "unchanged" }
    | { kind: "left-alone"; why: string }
  );

/** The one file that containerd reads in a folder, besides certificates. */
export const HOSTS_FILE = "hosts.toml";

/** A folder as it is. */
interface FolderState {
  content: FolderContent;
  file: NewFile | null;
}

/**
 * Plans to put a deployment's hosts into a folder.
 *
 * @param path the folder.
 * @throws {Error} when reading fails.
 */
export async function planFolder(
  files: FileOperations,
  path: string,
  wanted: WantedHosts,
): Promise<FolderPlan> {
  return await plan(files, path, (content) => withHosts(content, wanted));
}

/**
 * Plans to take a deployment's lines out of a folder.
 *
 * @param path the folder.
 * @returns null when nothing of the deployment is there.
 * @throws {Error} when reading fails.
 */
export async function planRestore(
  files: FileOperations,
  path: string,
  deployment: string,
): Promise<FolderPlan | null> {
  let found = true;
  const planned = await plan(files, path, ({ text }) => {
    const composed = text && withoutHosts(text, deployment);
    found = Boolean(composed);
    return composed || null;
  });
  // What cannot be read is no concern of a deployment that is not in it.
  if (planned.kind !== "left-alone") return found ? planned : null;
  const there = await deploymentsIn(files, path);
  return there.includes(deployment) ? planned : null;
}

/**
 * Names of the deployments that have lines in a folder, damaged ones included.
 *
 * @param path the folder.
 * @throws {Error} when reading fails.
 */
export async function deploymentsIn(
  files: FileOperations,
  path: string,
): Promise<string[]> {
  const text = await readText(files, `${path}/${HOSTS_FILE}`) ?? "";
  return [...text.matchAll(/^# peili: deployment (\S+)/gm)]
    .map(([, name = ""]) => name);
}

/**
 * Whether a folder has settings of the user's. One that Peili cannot read
 * counts: somebody made it.
 *
 * @param path the folder.
 * @throws {Error} when reading fails.
 */
export async function hasSettings(
  files: FileOperations,
  path: string,
): Promise<boolean> {
  try {
    const { content: { text, names } } = await readFolder(files, path);
    const { user } = splitText(text ?? "");
    const { hosts, ...settings } = userFile(user, names);
    return hosts.length > 0 || Object.keys(settings).length > 0;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

async function readText(
  files: FileOperations,
  path: string,
): Promise<string | null> {
  if ((await files.status(path))?.kind !== "file") return null;
  return new TextDecoder().decode(await files.read(path));
}

async function plan(
  files: FileOperations,
  path: string,
  change: (now: FolderContent) => ComposedText | null,
): Promise<FolderPlan> {
  const folder = path.slice(path.lastIndexOf("/") + 1);
  try {
    const { content, file } = await readFolder(files, path);
    const composed = change(content);
    if (!composed) return { kind: "unchanged", folder, edited: false };
    const edited = composed.userEdited || composed.partEdited;
    const after = composed.text === null ? null : {
      mode: 0o644,
      ...file,
      bytes: new TextEncoder().encode(composed.text),
    };
    if (!after) {
      if (!file) return { kind: "unchanged", folder, edited };
      // What the user put beside the file stays, and so does the folder.
      const withFolder = composed.made === "folder" &&
        content.names.length === 1 &&
        (await files.folderNames(path)).length === 0;
      return { kind: "remove", folder, before: file, withFolder, edited };
    }
    if (composed.text === content.text) {
      return { kind: "unchanged", folder, edited };
    }
    const add = !content.exists;
    return { kind: "write", folder, before: file, after, add, edited };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message: why } = error;
    return { kind: "left-alone", folder, why, edited: false };
  }
}

/** @throws {SyntaxError} when it is not what containerd's user makes by hand. */
async function readFolder(
  files: FileOperations,
  path: string,
): Promise<FolderState> {
  const status = await files.status(path);
  if (status && status.kind !== "folder") {
    throw new SyntaxError("it is not a folder");
  }
  const hosts = await files.status(`${path}/${HOSTS_FILE}`);
  if (hosts && hosts.kind !== "file") {
    // Replacing a link would hide the file of whoever made it.
    throw new SyntaxError("hosts.toml is not a regular file");
  }
  const file = hosts && {
    bytes: await files.read(`${path}/${HOSTS_FILE}`),
    mode: hosts.mode,
    owner: hosts.owner,
  };
  const content = {
    exists: status !== null,
    text: file && decode(file.bytes),
    names: await files.fileNames(path),
  };
  return { content, file };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (cause) {
    throw new SyntaxError("Cannot read hosts.toml: not UTF-8", { cause });
  }
}
