/** Takes away whatever a lab has made, by what its state file says. @module */
import { basename, dirname, join } from "node:path/posix";
import { runCommand } from "./command.ts";
import { listLabs, readState } from "./folder.ts";
import { identify, isAlive, type ProcessId, signalProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

/** How long a killed process may take to be gone; unmapping takes a while. */
const KILLED_MS = 5000;

/** The network namespaces whose names start with the lab's prefix. */
export async function namespacesOf(prefix: string): Promise<string[]> {
  const text = await runCommand(["ip", "netns", "list"]);
  return text.split("\n").map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(prefix));
}

/** The processes inside these namespaces, whoever started them. */
async function inhabitants(namespaces: string[]): Promise<ProcessId[]> {
  const found: ProcessId[] = [];
  for (const name of namespaces) {
    const pids = runCommand(["ip", "netns", "pids", name]);
    // A namespace that somebody else has deleted meanwhile has none.
    for (
      const pid of (await pids.catch(() => "")).split("\n").filter(Boolean)
    ) {
      const id = identify(Number(pid));
      if (id) found.push(id);
    }
  }
  return found;
}

/** The mount points below a folder, deepest first. */
export function mountsBelow(folder: string): string[] {
  return Deno.readTextFileSync("/proc/mounts").split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((path) => path.startsWith(`${folder}/`))
    .sort().reverse();
}

/**
 * Ends processes at once: their folders go too, so nothing needs an orderly
 * end. The caretaker that may be at this very work is left out.
 */
async function endAll(processes: ProcessId[]): Promise<void> {
  const others = processes.filter(({ pid }) => pid !== Deno.pid);
  for (const id of others) signalProcess(id, "SIGKILL");
  await waitFor("killed processes to end", () => !others.some(isAlive), {
    budgetMs: KILLED_MS,
  });
}

/** Lets go of every mount below the folder. */
async function unmountAll(folder: string): Promise<void> {
  for (const path of mountsBelow(folder)) {
    const gone = () => !mountsBelow(folder).includes(path);
    await runCommand(["umount", "--lazy", path]).catch(ignoreIf(gone));
  }
}

/** Deletes the namespaces, and the cables and the switch with them. */
async function deleteNamespaces(prefix: string): Promise<void> {
  for (const name of await namespacesOf(prefix)) {
    try {
      await runCommand(["ip", "netns", "delete", name]);
    } catch (error) {
      // Somebody else may have been faster; otherwise it is an error.
      if ((await namespacesOf(prefix)).includes(name)) throw error;
    }
  }
}

/** Where the kernel shows control groups; older ones are a folder below. */
const CGROUPS = "/sys/fs/cgroup";

/** The folders in a folder; none when it is gone. */
function foldersIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].filter((entry) => entry.isDirectory)
      .map(({ name }) => join(path, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The control groups of a lab's pods, those in others before these. */
function groupsOf(prefix: string): string[] {
  const withInner = (path: string): string[] => [
    ...foldersIn(path).flatMap(withInner),
    path,
  ];
  return [CGROUPS, ...foldersIn(CGROUPS)].flatMap(foldersIn)
    .filter((path) => basename(path).startsWith(prefix)).flatMap(withInner);
}

/** The processes of a lab's pods: those may have a network of their own. */
function processesIn(groups: readonly string[]): ProcessId[] {
  const pids = groups.flatMap((path) => {
    try {
      return Deno.readTextFileSync(join(path, "cgroup.procs")).split("\n");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
  return [...new Set(pids.filter(Boolean))]
    .flatMap((pid) => identify(Number(pid)) ?? []);
}

/** Removes control groups. The folders alone: they are empty. */
function removeGroups(groups: readonly string[]): void {
  for (const path of groups) {
    const gone = () => foldersIn(dirname(path)).every((one) => one !== path);
    try {
      Deno.removeSync(path);
    } catch (error) {
      ignoreIf(gone)(error);
    }
  }
}

/** Removes the folder, its state file last: half of the work can be resumed. */
async function removeFolder(folder: string): Promise<void> {
  const gone = () => readState(folder) === null;
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name === "state.json") continue;
      await Deno.remove(join(folder, name), { recursive: true });
    }
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    ignoreIf(gone)(error);
  }
}

/**
 * Ends a lab's processes, removes its mounts, namespaces and folder. May run
 * twice at once, or after half of the work was done by somebody else.
 */
export async function cleanUp(folder: string): Promise<void> {
  const state = readState(folder);
  if (!state) return;
  const namespaces = await namespacesOf(state.prefix);
  const inside = await inhabitants(namespaces);
  const groups = groupsOf(state.prefix);
  await endAll([...state.processes, ...inside, ...processesIn(groups)]);
  removeGroups(groups);
  await unmountAll(folder);
  await deleteNamespaces(state.prefix);
  await removeFolder(folder);
}

/** Swallows an error when what it was about has happened anyway. */
function ignoreIf(done: () => boolean): (error: unknown) => void {
  return (error) => {
    if (!done()) throw error;
  };
}

/** Cleans up after labs whose owner is gone. */
export async function cleanUpLeftovers(): Promise<void> {
  for (const { folder, state } of listLabs()) {
    if (!isAlive(state.owner)) await cleanUp(folder);
  }
}
