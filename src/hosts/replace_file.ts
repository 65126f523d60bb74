/**
 * Replaces, adds and removes files so that at any moment either the old or the
 * new is there, whole.
 * @module
 */

import type { FileOperations, NewFile } from "./file_operations.ts";

/**
 * Begins the names of unfinished files and folders, so that a later run can
 * clear them. No registry begins with a dot, so containerd opens none of them.
 */
const UNFINISHED = ".peili-unfinished-";

/** A name that nothing has yet. */
function unfinishedIn(folder: string): string {
  return `${folder}/${UNFINISHED}${crypto.randomUUID()}`;
}

/** Writes a file beside its place and renames it. The folder must exist. */
export async function replaceFile(
  files: FileOperations,
  path: string,
  content: NewFile,
): Promise<void> {
  const unfinished = unfinishedIn(folderOf(path));
  await files.create(unfinished, content);
  await files.rename(unfinished, path);
}

/** Adds a folder with one file, both at once. */
export async function addFolder(
  files: FileOperations,
  path: string,
  file: NewFile & { name: string },
): Promise<void> {
  const unfinished = unfinishedIn(folderOf(path));
  await files.makeFolder(unfinished);
  await files.create(`${unfinished}/${file.name}`, file);
  await files.rename(unfinished, path);
}

/**
 * Removes a folder with the only file in it, both at once. When somebody adds
 * a file meanwhile, the folder stays.
 */
export async function removeFolder(
  files: FileOperations,
  path: string,
  name: string,
): Promise<void> {
  const unfinished = unfinishedIn(folderOf(path));
  await files.rename(path, unfinished);
  await files.remove(`${unfinished}/${name}`);
  const left = await files.fileNames(unfinished);
  if (left.length > 0) await files.rename(unfinished, path);
  else await files.remove(unfinished);
}

/**
 * Clears what a run that was cut off left in a folder. Nobody else may be
 * writing there.
 *
 * @param name the only file of an unfinished folder that is Peili's.
 */
export async function clearUnfinished(
  files: FileOperations,
  folder: string,
  name: string,
): Promise<void> {
  for (const file of await files.fileNames(folder)) {
    if (file.startsWith(UNFINISHED)) await files.remove(`${folder}/${file}`);
  }
  for (const child of await files.folderNames(folder)) {
    if (!child.startsWith(UNFINISHED)) continue;
    const left = await files.fileNames(`${folder}/${child}`);
    if (left.some((file) => file !== name)) continue;
    for (const file of left) await files.remove(`${folder}/${child}/${file}`);
    await files.remove(`${folder}/${child}`);
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
