/**
 * Replaces a file so that at any moment either the old or the new one is
 * there, whole.
 * @module
 */

import type { FileOperations, NewFile } from "./file_operations.ts";

/** Begins the names of unfinished files, so that a later run can clear them. */
const UNFINISHED = ".peili-unfinished-";

/**
 * Writes a file beside its place and renames it. The folder must exist; what a
 * run that was cut off left in it is cleared.
 */
export async function replaceFile(
  files: FileOperations,
  path: string,
  content: NewFile,
): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  for (const name of await files.fileNames(folder)) {
    if (name.startsWith(UNFINISHED)) await files.remove(`${folder}/${name}`);
  }
  // A new name each time: two runs at once must not write into one file.
  const unfinished = `${folder}/${UNFINISHED}${crypto.randomUUID()}`;
  await files.create(unfinished, content);
  await files.rename(unfinished, path);
}
