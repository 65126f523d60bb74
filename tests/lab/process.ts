/** Processes as /proc shows them: who is who, and what one uses. @module */

/**
 * One process for good: the kernel gives a pid out again, but not with the
 * same start time.
 */
export interface ProcessId {
  pid: number;
  /** Clock ticks between boot and its start. */
  start: number;
}

/** What a process uses; sizes in bytes. */
export interface Usage {
  /** Resident now (VmRSS). */
  rss: number;
  /** The part of it that no file backs (RssAnon). */
  anon: number;
  /** The most that was ever resident (VmHWM). */
  hwm: number;
  /** Processor time so far, user and system. */
  cpuSeconds: number;
}

/** Clock ticks per second as /proc counts them; 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Reads a file of /proc; null when the process is gone. */
function readProc(pid: number, name: string): string | null {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${name}`);
  } catch {
    return null; // ended between two looks
  }
}

/** The fields of /proc/PID/stat after the name, or null. Field 0 is the state. */
function statFields(pid: number): string[] | null {
  const text = readProc(pid, "stat");
  return text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? null;
}

/** Names the process that has this pid now, or null when none is alive. */
export function identify(pid: number): ProcessId | null {
  const fields = statFields(pid);
  if (!fields || fields[0] === "Z" || fields[0] === "X") return null;
  return { pid, start: Number(fields[19]) };
}

/** Whether it still runs. A zombie does not. */
export function isAlive({ pid, start }: ProcessId): boolean {
  return identify(pid)?.start === start;
}

/** Sends a signal, unless the pid is somebody else's by now. */
export function signalProcess(id: ProcessId, signal: Deno.Signal): void {
  if (!isAlive(id)) return;
  try {
    Deno.kill(id.pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What it uses, or null when it has ended. */
export function usageOf(id: ProcessId): Usage | null {
  if (!isAlive(id)) return null;
  const status = readProc(id.pid, "status");
  const stat = statFields(id.pid);
  if (status === null || stat === null) return null;
  const bytes = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const ticks = Number(stat[11]) + Number(stat[12]);
  return {
    rss: bytes("VmRSS"),
    anon: bytes("RssAnon"),
    hwm: bytes("VmHWM"),
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

/** The processes that a process has started, and theirs, itself included. */
function familyOf(id: ProcessId): ProcessId[] {
  const family = [id];
  for (const task of tasksOf(id.pid)) {
    const pids = readProc(id.pid, `task/${task}/children`) ?? "";
    for (const pid of pids.split(" ").filter(Boolean)) {
      const child = identify(Number(pid));
      if (child) family.push(...familyOf(child));
    }
  }
  return family;
}

/** The ids of its threads. */
function tasksOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch {
    return []; // ended between two looks
  }
}

/** What a process and all that it has started use together. */
export function usageOfFamily(id: ProcessId): Usage | null {
  const usages = familyOf(id).flatMap((member) => usageOf(member) ?? []);
  if (usages.length === 0) return null;
  return usages.reduce((sum, usage) => ({
    rss: sum.rss + usage.rss,
    anon: sum.anon + usage.anon,
    hwm: sum.hwm + usage.hwm,
    cpuSeconds: sum.cpuSeconds + usage.cpuSeconds,
  }));
}

/** The state of a socket that listens (proc_net_tcp). */
const LISTENS = "0A";

/** Whether somebody listens at an IPv4 address of the network that a process is in. */
export function isListening(pid: number, address: string): boolean {
  const [host = "", port] = address.split(":");
  const bytes = host.split(".").map((part) => hex(part, 2)).reverse();
  const local = `${bytes.join("")}:${hex(port, 4)}`;
  const rows = readProc(pid, "net/tcp")?.split("\n") ?? [];
  return rows.map((row) => row.trim().split(/\s+/))
    .some(([, at, , state]) => at === local && state === LISTENS);
}

function hex(number: string | undefined, digits: number): string {
  return Number(number).toString(16).toUpperCase().padStart(digits, "0");
}
