/**
 * The file operations that changing containerd's configuration needs, as an
 * interface, so that a test can make each of them fail; and the real ones.
 * @module
 */

/** What is at a path, links not followed. */
export interface PathStatus {
  /** `other` is a link, a socket or a device: never ours to replace. */
  kind: "file" | "folder" | "other";
  /** Permission bits. */
  mode: number;
  /** Whose it is. */
  owner: FileOwner;
}

/** Numbers of a user and a group. */
export interface FileOwner {
  /** The user. */
  uid: number;
  /** The group. */
  gid: number;
}

/** Every path is absolute or relative to the working folder. */
export interface FileOperations {
  /** What is at the path, or null if nothing is. */
  status: (path: string) => Promise<PathStatus | null>;
  /** Names in a folder, folders left out; none if it is absent. */
  fileNames: (path: string) => Promise<string[]>;
  /** Names of folders in a folder, and of links; none if it is absent. */
  folderNames: (path: string) => Promise<string[]>;
  /** The bytes of a file that exists. */
  read: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
  /** Creates a folder, mode 0755, and those above it, where absent. */
  makeFolder: (path: string) => Promise<void>;
  /** Creates a file that must not exist; its bytes are on disk on return. */
  create: (path: string, content: NewFile) => Promise<void>;
  /** Moves a file over another, or a folder, in one step; waits for the disk. */
  rename: (from: string, to: string) => Promise<void>;
  /** Removes a file or an empty folder, and waits for the disk. */
  remove: (path: string) => Promise<void>;
  /**
   * Keeps other processes that ask for it out of a folder, which is there.
   * Waits for its turn; ends when it is disposed of, or with the process.
   */
  lock: (path: string) => Promise<Disposable>;
}

/** A file to create. */
export interface NewFile {
  /** Its bytes. */
  bytes: Uint8Array;
  /** Its permission bits, whatever the umask is. */
  mode: number;
  /** Whose it is to be; absent: whoever creates it. */
  owner?: FileOwner;
}

/** How long another run may take: it writes a few small files. */
const LOCK_MS = 30_000;
const LOCK_RETRY_MS = 50;
const EXCLUSIVE = true;

/** The file operations of this machine. */
export const DENO_FILES: FileOperations = {
  status,
  fileNames: (path) =>
    names(path, ({ isFile, isSymlink }) => isFile || isSymlink),
  folderNames: (path) => names(path, ({ isFile }) => !isFile),
  read: (path) => Deno.readFile(path),
  makeFolder,
  create,
  rename,
  remove,
  lock,
};

async function status(path: string): Promise<PathStatus | null> {
  try {
    const info = await Deno.lstat(path);
    const kind = info.isFile ? "file" : info.isDirectory ? "folder" : "other";
    const owner = { uid: info.uid ?? 0, gid: info.gid ?? 0 };
    return { kind, mode: (info.mode ?? 0o644) & 0o7777, owner };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Below a file there is nothing either. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}

async function names(
  path: string,
  matches: (entry: Deno.DirEntry) => boolean,
): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.filter(matches).map(({ name }) => name).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
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

async function create(
  path: string,
  { bytes, mode, owner }: NewFile,
): Promise<void> {
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
  const { uid, gid } = await file.stat();
  if (owner && (owner.uid !== uid || owner.gid !== gid)) {
    await Deno.chown(path, owner.uid, owner.gid);
  }
  await Deno.chmod(path, mode);
  await file.sync();
  await syncFolderOf(path);
}

async function rename(from: string, to: string): Promise<void> {
  await Deno.rename(from, to);
  await syncFolderOf(to);
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path);
  await syncFolderOf(path);
}

async function lock(path: string): Promise<Disposable> {
  const folder = await Deno.open(path);
  try {
    const end = performance.now() + LOCK_MS;
    while (!await folder.tryLock(EXCLUSIVE)) {
      if (performance.now() > end) {
        throw new Error(`another process has locked ${path} for ${LOCK_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
    return folder;
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** A new name outlives a power cut only once its folder is on disk. */
async function syncFolderOf(path: string): Promise<void> {
  using folder = await Deno.open(path.slice(0, path.lastIndexOf("/")) || "/");
  await folder.sync();
}
