/** What the kernel lets a process have, by its control group. @module */
import { join } from "node:path/posix";

/** Memory of a group; in bytes. */
export interface GroupMemory {
  limit: number;
  /** The most that it ever had, its files in the page cache included. */
  peak: number;
  /** How often the kernel has killed one of its processes. */
  kills: number;
}

const ROOT = "/sys/fs/cgroup";

async function read(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).trim();
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** Memory of the group that a process is in, in either version of cgroups. */
export async function groupMemory(pid: number): Promise<GroupMemory> {
  const groups = await read(`/proc/${pid}/cgroup`);
  const old = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
  if (old !== undefined) {
    const folder = join(ROOT, "memory", old);
    return {
      limit: Number(await read(`${folder}/memory.limit_in_bytes`)),
      peak: Number(await read(`${folder}/memory.max_usage_in_bytes`)),
      kills: field(await read(`${folder}/memory.oom_control`), "oom_kill"),
    };
  }
  const folder = join(ROOT, /^0::(.*)$/m.exec(groups)?.[1] ?? "");
  return {
    limit: Number(await read(`${folder}/memory.max`)),
    peak: Number(await read(`${folder}/memory.peak`)),
    kills: field(await read(`${folder}/memory.events`), "oom_kill"),
  };
}
