/** A long-running process of the lab, its log file and its end. @module */
import { runCommand } from "./command.ts";
import type { LabFolder } from "./folder.ts";
import {
  identify,
  isAlive,
  type ProcessId,
  signalProcess,
  type Usage,
  usageOf,
} from "./process.ts";
import { tailOf, waitFor } from "./wait.ts";

/** What to start. */
export interface DaemonSpec {
  /** Its name in errors: "node1's containerd". */
  name: string;
  argv: readonly string[];
  /** Where its output goes; appended to. */
  log: string;
  /** The network namespace to run in; the machine's own when absent. */
  namespace?: string;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/** How long a process may take to end by SIGTERM before it is killed. */
const TERM_MS = 10_000;

/** How long it may take to be gone after SIGKILL. */
const KILL_MS = 5000;

/**
 * Starts in the background and prints the pid. The process leads a session
 * of its own, so that Ctrl-C does not reach it, and is no child of ours, so
 * that it is no resource which a test could leak.
 */
const LAUNCH = 'log=$1; shift; setsid "$@" >>"$log" 2>&1 </dev/null & echo $!';

/** A started process. Get one with {@linkcode startDaemon}. */
export class Daemon {
  readonly name: string;
  readonly id: ProcessId;
  readonly log: string;

  constructor(name: string, id: ProcessId, log: string) {
    this.name = name;
    this.id = id;
    this.log = log;
  }

  get pid(): number {
    return this.id.pid;
  }

  alive(): boolean {
    return isAlive(this.id);
  }

  /** Memory and processor time, or null when it has ended. */
  usage(): Usage | null {
    return usageOf(this.id);
  }

  /** Sends a signal; nothing happens when it has ended. */
  signal(signal: Deno.Signal): void {
    signalProcess(this.id, signal);
  }

  /** Sends SIGKILL and waits for its end. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended(KILL_MS);
  }

  /** Ends it in order, by force when that takes too long. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    try {
      await this.ended(TERM_MS);
    } catch {
      await this.kill(); // it had its time
    }
  }

  /** Waits for its end. */
  async ended(budgetMs: number): Promise<void> {
    const { log } = this;
    await waitFor(`${this.name} to end`, () => !this.alive(), {
      budgetMs,
      log,
    });
  }

  /** Waits until `probe` is true; fails at once when the process ends. */
  async until(
    what: string,
    budgetMs: number,
    probe: () => Promise<boolean> | boolean,
  ): Promise<void> {
    await waitFor(`${this.name} ${what}`, probe, {
      budgetMs,
      log: this.log,
      alive: () => this.alive(),
    });
  }
}

/** Starts a process that goes with the lab. */
export async function startDaemon(
  folder: LabFolder,
  { name, argv, log, namespace, env, cwd }: DaemonSpec,
): Promise<Daemon> {
  const enter = namespace ? ["nsenter", `--net=/run/netns/${namespace}`] : [];
  const printed = await runCommand(
    ["sh", "-c", LAUNCH, "sh", log, ...enter, ...argv],
    { ...(env && { env }), ...(cwd && { cwd }) },
  );
  const id = identify(Number(printed));
  if (!id) {
    throw new Error(`Cannot start ${name}: it ended\n${await tailOf(log)}`);
  }
  folder.add(id);
  return new Daemon(name, id, log);
}
