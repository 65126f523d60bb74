/**
 * The program as a process, with the permissions that a test gives it.
 *
 * @module
 */

/** The repository's folder, with a slash at its end. */
export const ROOT: string = new URL("../", import.meta.url).pathname;

/** How a process ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process is started with. */
export interface ProgramOptions {
  /** Permissions, such as `-P=run`. */
  readonly permissions: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs this text in place of the program. */
  readonly script?: string;
  /** Runs this file in place of `main.ts`: a bundle. */
  readonly file?: string;
}

/** Runs `main.ts` with these arguments to its end. */
export async function program(
  args: readonly string[],
  options: ProgramOptions,
): Promise<Ended> {
  await using process = startProgram(args, options);
  return await process.ended;
}

/** A process that runs. */
export interface Program extends AsyncDisposable {
  readonly ended: Promise<Ended>;
  /** Resolves with the first line of its log that has this message. */
  line(msg: string): Promise<Record<string, unknown>>;
  /** Asks it to end. */
  stop(): void;
}

/** Starts `main.ts` with these arguments; disposing of it ends it. */
export function startProgram(
  args: readonly string[],
  { permissions, env = {}, script, file = "main.ts" }: ProgramOptions,
): Program {
  const child = new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      "--config=deno.json", // A file elsewhere would have another, or none.
      ...permissions,
      script === undefined ? file : "-",
      ...args,
    ],
    clearEnv: true,
    env: { ...inherited(), ...env },
    stdin: script === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writing = script === undefined
    ? Promise.resolve()
    : new Blob([script]).stream().pipeTo(child.stdin);
  return follow(child, writing);
}

/** The program in a process that somebody else has started, with pipes. */
export function follow(
  child: Deno.ChildProcess,
  writing: Promise<void> = Promise.resolve(),
): Program {
  const log = new LineReader(child.stderr);
  const ended = Promise.all([
    child.status,
    new Response(child.stdout).text(),
    log.text,
    writing,
  ]).then(([{ code }, stdout, stderr]) => ({ code, stdout, stderr }));
  const stop = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  return {
    ended,
    line: (msg) => log.line(msg),
    stop,
    async [Symbol.asyncDispose]() {
      stop();
      await ended;
    },
  };
}

/** The environment without what another's terminal prefers. */
function inherited(): Record<string, string> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...rest } = Deno.env.toObject();
  // Other tests of this process set Peili's own variables meanwhile.
  return Object.fromEntries(
    Object.entries(rest).filter(([name]) => !name.startsWith("PEILI_")),
  );
}

/** Reads a log of JSON lines while it grows. */
class LineReader {
  readonly text: Promise<string>;
  #lines: string[] = [];
  #wake = Promise.withResolvers<void>();
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.text = this.#read(stream);
  }

  async line(msg: string): Promise<Record<string, unknown>> {
    while (true) {
      const found = this.#lines.filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line))
        .find((line) => line.msg === msg);
      if (found) return found;
      if (this.#ended) throw new Error(`no ${msg}: ${this.#lines.join("\n")}`);
      await this.#wake.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    let text = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      text += piece;
      this.#lines = text.split("\n").slice(0, -1);
      this.#notify();
    }
    this.#ended = true;
    this.#notify();
    return text;
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
