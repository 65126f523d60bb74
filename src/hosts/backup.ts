/**
 * Keeps byte-for-byte copies of the user's `hosts.toml` before they are
 * replaced.
 * @module
 */

import type { FileOperations, NewFile } from "./file_operations.ts";
import { BACKUP_FOLDER } from "./folders.ts";
import { replaceFile } from "./replace_file.ts";

/** The copy in the backup, and whose it is. */
export interface BackupOptions {
  /** The configuration path. */
  root: string;
  /** The folder below it whose `hosts.toml` is kept. */
  folder: string;
  /** The user's file. Its mode is kept too: it may hold credentials. */
  content: NewFile;
}

/**
 * Copies a text once: `hosts.toml`, and `hosts.toml.1` and so on for what the
 * user wrote later. An existing copy is never touched.
 */
export async function keepCopy(
  files: FileOperations,
  options: BackupOptions,
): Promise<void> {
  const { root, folder, content } = options;
  const kept = `${root}/${BACKUP_FOLDER}/${folder}`;
  await files.makeFolder(`${root}/${BACKUP_FOLDER}`);
  await files.makeFolder(kept);
  let path = `${kept}/hosts.toml`;
  for (let number = 1; await files.status(path); number++) {
    if (sameBytes(await files.read(path), content.bytes)) return;
    path = `${kept}/hosts.toml.${number}`;
  }
  await replaceFile(files, path, content);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
