/**
 * Programs of another processor on this machine: what they are made of, unpacked
 * into the lab's cache, and a place in which they run. Nothing is installed or
 * registered here.
 *
 * @module
 */
import { join } from "node:path/posix";
import { unpackPackages } from "./apt.ts";
import { cached } from "./cache.ts";
import { runCommand } from "./command.ts";
import type { LabFolder } from "./folder.ts";
import { identify, type ProcessId, signalProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

/** The suite that the image's usual base is of. */
const SUITE = "bookworm";

/** For a process to begin. */
const BEGIN_MS = 10_000;

/**
 * How an arm64 program begins (ELF, 64 bits, little-endian, EM_AARCH64), and which
 * bits of that count. F: the emulator is opened here and now, so that it is found
 * whatever the root folder of a program is.
 */
const ARM64 = [
  String
    .raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  String
    .raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
].join(":");

/** Waits for its users, registers $1, and becomes the rest. */
const BEGIN = `set -e
read -r _
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s "$1" >/proc/sys/fs/binfmt_misc/register
shift
exec "$@"`;

/** Whether the kernel here has emulators for a place of its own: since 6.7. */
export function canEmulate(): boolean {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(parseFloat);
  return major > 6 || major === 6 && minor >= 7;
}

/** Debian's emulator. */
async function emulator(): Promise<string> {
  const folder = await cached(
    `qemu-${SUITE}`,
    (draft) => unpackPackages(["qemu-user-static"], { suite: SUITE }, draft),
  );
  return join(folder, "usr/bin/qemu-aarch64-static");
}

/** Deno for arm64: the newest of this one's minor version that is on npm. */
export async function arm64Deno(): Promise<string> {
  const minor = Deno.version.deno.split(".").slice(0, 2).join(".");
  const folder = await cached(`deno-${minor}-arm64`, async (draft) => {
    const name = `@deno/linux-arm64-glibc@${minor}`;
    const pack = ["npm", "pack", "--silent", name];
    const file = (await runCommand(pack, { cwd: draft })).trim();
    await runCommand(["tar", "-xzf", file], { cwd: draft });
    await Deno.remove(join(draft, file));
    await Deno.chmod(join(draft, "package/deno"), 0o755);
  });
  return join(folder, "package/deno");
}

/** The libraries that it needs, by the paths that they have. */
export async function arm64Libraries(): Promise<Record<string, string>> {
  const source = { suite: SUITE, architecture: "arm64" };
  const folder = await cached(
    `libraries-${SUITE}-arm64`,
    (draft) => unpackPackages(["libc6", "libgcc-s1"], source, draft),
  );
  const loader = "/lib/ld-linux-aarch64.so.1";
  const files: Record<string, string> = { [loader]: join(folder, loader) };
  const libraries = "/lib/aarch64-linux-gnu";
  for await (const entry of Deno.readDir(join(folder, libraries))) {
    if (entry.isDirectory) continue;
    const path = join(libraries, entry.name);
    files[path] = join(folder, path);
  }
  return files;
}

/** A command that runs. Disposing of it ends it, and all that it has started. */
export interface Emulated extends AsyncDisposable {
  /**
   * What it printed, once it has ended.
   *
   * @throws {Error} when it did not end with 0
   */
  output(): Promise<string>;
}

/**
 * Starts a command that goes with a lab and among whose programs arm64 ones may be. It has users, mounts
 * and processes of its own, in which root is root, and emulators of its own.
 */
export async function startEmulated(
  folder: LabFolder,
  argv: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Emulated> {
  const registration = `:arm64:M::${ARM64}:${await emulator()}:F`;
  const child = new Deno.Command("unshare", {
    args: [
      ...["--user", "--mount", "--pid", "--fork"],
      ...["sh", "-c", BEGIN, "sh", registration, ...argv],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
  const ended = child.output();
  const users = `/proc/${child.pid}/ns/user`;
  const outside = await Deno.readLink("/proc/self/ns/user");
  await waitFor("users of its own", async () => {
    return await Deno.readLink(users) !== outside;
  }, { budgetMs: BEGIN_MS });
  for (const map of ["uid_map", "gid_map"]) {
    await Deno.writeTextFile(`/proc/${child.pid}/${map}`, "0 0 4294967295");
  }
  const first = await firstOf(child.pid);
  folder.add(first);
  await new Blob(["go\n"]).stream().pipeTo(child.stdin);
  return {
    async output() {
      const { code, stdout, stderr } = await ended;
      const [said = "", wrong] = [stdout, stderr].map((bytes) =>
        new TextDecoder().decode(bytes)
      );
      if (code === 0) return said;
      const what = `Cannot run ${argv.join(" ")}: code ${code}`;
      throw new Error(`${what}: ${said}${wrong}`);
    },
    async [Symbol.asyncDispose]() {
      signalProcess(first, "SIGKILL"); // and the kernel ends what it has started
      await ended;
    },
  };
}

/** The first of the processes that one has made room for. */
async function firstOf(pid: number): Promise<ProcessId> {
  let first: ProcessId | null = null;
  await waitFor("its first process", async () => {
    const path = `/proc/${pid}/task/${pid}/children`;
    first = identify(parseInt(await Deno.readTextFile(path)));
    return first !== null;
  }, { budgetMs: BEGIN_MS });
  if (!first) throw new Error("Cannot find its first process");
  return first;
}

/** Runs one to its end and gives what it printed. */
export async function runEmulated(
  ...call: Parameters<typeof startEmulated>
): Promise<string> {
  await using running = await startEmulated(...call);
  return await running.output();
}
