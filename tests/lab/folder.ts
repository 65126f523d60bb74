/**
 * The folder that everything of one lab lives under, and the state file in it
 * that names what must go when the lab goes: processes, namespaces, mounts.
 *
 * @module
 */
import { join } from "node:path/posix";
import { identify, isAlive, type ProcessId } from "./process.ts";

/** What the state file holds. */
export interface LabState {
  /** The process that has the lab; the lab is a leftover when it is gone. */
  owner: ProcessId;
  /** Every network namespace of the lab has a name that starts with this. */
  prefix: string;
  /** The lab's addresses are 10.99.NET.0/24, inside its namespaces only. */
  net: number;
  /** Long-running processes that the lab started. */
  processes: ProcessId[];
}

/** Where the folders of all labs of this machine are. */
export function labsFolder(): string {
  return Deno.env.get("PEILI_LAB_RUN") ??
    join(Deno.env.get("TMPDIR") ?? "/tmp", "peili-labs");
}

/** Reads a lab's state; null when the folder holds none, or half of one. */
export function readState(folder: string): LabState | null {
  try {
    return JSON.parse(Deno.readTextFileSync(join(folder, "state.json")));
  } catch {
    return null; // a folder in the making, or one that another process removed
  }
}

/** All labs that have a folder, with their states. */
export function listLabs(): { folder: string; state: LabState }[] {
  const labs: { folder: string; state: LabState }[] = [];
  try {
    for (const entry of Deno.readDirSync(labsFolder())) {
      const folder = join(labsFolder(), entry.name);
      const state = readState(folder);
      if (state) labs.push({ folder, state });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return labs;
}

/** One lab's folder, with its state kept on disk as it changes. */
export class LabFolder {
  readonly path: string;
  readonly state: LabState;

  constructor(path: string, state: LabState) {
    this.path = path;
    this.state = state;
  }

  /** Makes a folder with a fresh prefix, and a net that no other lab has. */
  static create(): LabFolder {
    Deno.mkdirSync(labsFolder(), { recursive: true });
    const id = crypto.randomUUID().slice(0, 6);
    const taken = listLabs().map((lab) => lab.state.net);
    const net = Array.from({ length: 256 }, (_, i) => i)
      .find((n) => !taken.includes(n)) ?? 0;
    const owner = identify(Deno.pid);
    if (!owner) throw new Error("Cannot start a lab: /proc does not show us");
    const path = join(labsFolder(), id);
    Deno.mkdirSync(path);
    const folder = new LabFolder(path, {
      owner,
      prefix: `peili-${id}-`,
      net,
      processes: [],
    });
    folder.save();
    return folder;
  }

  /** Writes down a process that the lab has started. */
  add(process: ProcessId): void {
    const rest = this.state.processes.filter((other) => isAlive(other));
    this.state.processes = [...rest, process];
    this.save();
  }

  private save(): void {
    const file = join(this.path, "state.json");
    Deno.writeTextFileSync(`${file}.new`, JSON.stringify(this.state));
    Deno.renameSync(`${file}.new`, file);
  }
}
