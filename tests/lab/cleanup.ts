/** Takes away whatever a lab has made, by what its state file says. @module */
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
    const pids = await runCommand(["ip", "netns", "pids", name]);
    for (const pid of pids.split("\n").filter(Boolean)) {
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

/** Ends processes at once: their folders go too, so nothing needs an orderly end. */
async function endAll(processes: ProcessId[]): Promise<void> {
  for (const id of processes) signalProcess(id, "SIGKILL");
  await waitFor("killed processes to end", () => !processes.some(isAlive), {
    budgetMs: KILLED_MS,
  });
}

/**
 * Ends a lab's processes, removes its mounts, namespaces and folder. May run
 * twice at once, or after half of the work was done by somebody else.
 */
export async function cleanUp(folder: string): Promise<void> {
  const state = readState(folder);
  if (!state) return;
  const namespaces = await namespacesOf(state.prefix);
  const inside = await inhabitants(namespaces).catch(() => []); // gone meanwhile
  await endAll([...state.processes, ...inside]);
  for (const path of mountsBelow(folder)) {
    await runCommand(["umount", "--lazy", path]).catch(
      ignoreIf(() => !mountsBelow(folder).includes(path)),
    );
  }
  for (const name of namespaces) {
    await runCommand(["ip", "netns", "delete", name]).catch(() => {});
  }
  const left = await namespacesOf(state.prefix);
  if (left.length > 0) throw new Error(`Cannot delete namespaces ${left}`);
  await Deno.remove(folder, { recursive: true }).catch(
    ignoreIf(() => readState(folder) === null),
  );
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
