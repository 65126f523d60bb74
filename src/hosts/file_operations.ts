/**
 * The file operations that installing needs, as an interface, so that a test
 * can make each of them fail; and the real ones.
 * @module
 */

/** What is at a path, links not followed. */
export interface PathStatus {
  /** `other` is a link, a socket or a device: never ours to replace. */
  kind: "file" | "folder" | "other";
  /** Permission bits. */
  mode: number;
}

/** Every path is absolute or relative to the working folder. */
export interface FileOperations {
  /** What is at the path, or null if nothing is. */
  status: (path: string) => Promise<PathStatus | null>;
  /** Names in a folder, folders left out; none if it is absent. */
  fileNames: (path: string) => Promise<string[]>;
  /** The bytes of a file that exists. */
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
  /** Creates a folder, mode 0755, and those above it, where absent. */
  makeFolder: (path: string) => Promise<void>;
  /** Creates a file that must not exist; its bytes are on disk on return. */
  create: (path: string, content: NewFile) => Promise<void>;
  /** Replaces one file by another in one step, and waits for the disk. */
  rename: (from: string, to: string) => Promise<void>;
  /** Removes a file. */
  remove: (path: string) => Promise<void>;
}

/** A file to create. */
export interface NewFile {
  /** Its bytes. */
  bytes: Uint8Array;
  /** Its permission bits, whatever the umask is. */
  mode: number;
}

/** The file operations of this machine. */
export const DENO_FILES: FileOperations = {
  status,
  fileNames,
  read: (path) => Deno.readFile(path),
  makeFolder,
  create,
  rename,
  remove: (path) => Deno.remove(path),
};

async function status(path: string): Promise<PathStatus | null> {
  try {
    const info = await Deno.lstat(path);
    const kind = info.isFile ? "file" : info.isDirectory ? "folder" : "other";
    return { kind, mode: (info.mode ?? 0o644) & 0o777 };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function fileNames(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) {
      if (!entry.isDirectory) names.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}

async function makeFolder(path: string): Promise<void> {
  if (await status(path)) return;
  await Deno.mkdir(path, { recursive: true });
  await Deno.chmod(path, 0o755);
  try {
    await syncFolderOf(path);
  } catch (error) {
    // The folder above the configuration path is not ours to open.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}

async function create(path: string, { bytes, mode }: NewFile): Promise<void> {
  // 0600 until it is complete: the user's file may hold credentials.
  using file = await Deno.open(path, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written));
  }
  await Deno.chmod(path, mode);
  await file.sync();
}

async function rename(from: string, to: string): Promise<void> {
  await Deno.rename(from, to);
  await syncFolderOf(to);
}

/** A new name outlives a power cut only once its folder is on disk. */
async function syncFolderOf(path: string): Promise<void> {
  using folder = await Deno.open(path.slice(0, path.lastIndexOf("/")) || "/");
  await folder.sync();
}
