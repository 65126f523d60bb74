/**
 * The demo's own processes. Each ends with the demo, since its standard input
 * does.
 *
 * @module
 */

import { V8_FLAGS, VARIABLES } from "../deploy/run_task.ts";

/** A process of the demo; disposing of it ends it, and waits for that. */
export interface DemoProcess extends AsyncDisposable {
  /** Resolves when it is loaded and waits for the word. */
  readonly loaded: Promise<void>;
  /** Gives the word; the exit code is in `ended`. */
  go(): Promise<void>;
  /** Its exit code. */
  readonly ended: Promise<number>;
  /** What it wrote last to stderr, to say what went wrong. */
  lastLines(): string;
}

/** What a process may and does. */
export interface ProcessOptions {
  /** Deno's flags: permissions. */
  readonly permissions: readonly string[];
  /** The script in this folder. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Hears each line of stderr. */
  readonly onLine?: (line: string) => void;
}

/** Milliseconds from SIGTERM to SIGKILL; a node lets running answers finish. */
const STOP_MS = 3_000;

/** Lines that are remembered. */
const LAST_LINES = 5;

/**
 * Starts a process.
 *
 * @param options What it is
 * @returns The process, which loads
 */
export function startProcess(options: ProcessOptions): DemoProcess {
  const child = new Deno.Command(Deno.execPath(), {
    cwd: new URL("../", import.meta.url),
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--v8-flags=${V8_FLAGS}`,
      ...options.permissions,
      `demo/${options.script}`,
      ...options.args,
    ],
    clearEnv: true,
    env: { ...inherited(), ...VARIABLES, ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const stderr = eachLine(child.stderr, (line) => {
    lines.push(line);
    if (lines.length > LAST_LINES) lines.shift();
    options.onLine?.(line);
  });
  const lastLines = () => lines.join("\n");
  const loaded = Promise.withResolvers<void>();
  loaded.promise.catch(() => {/* whoever waits for it hears of it */});
  const stdout = eachLine(child.stdout, () => loaded.resolve());
  const ended = Promise.all([child.status, stdout, stderr])
    .then(([{ code }]) => {
      loaded.reject(new Error(`a process ended with ${code}: ${lastLines()}`));
      return code;
    });
  const stdin = child.stdin.getWriter();
  return {
    loaded: loaded.promise,
    ended,
    go: () => stdin.write(new TextEncoder().encode("go\n")),
    lastLines,
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => kill(child, "SIGKILL"), STOP_MS);
      kill(child, "SIGTERM");
      await ended;
      clearTimeout(timer);
      // Its other end is closed.
      await stdin.close().catch(() => {});
    },
  };
}

/** The environment without what would make nodes other than they are here. */
function inherited(): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject())
    .filter(([name]) => !/^PEILI_|_proxy$/i.test(name));
  return Object.fromEntries(kept);
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended.
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}
