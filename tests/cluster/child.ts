/**
 * A process of the tests' own that is asked things, as JSON lines.
 *
 * @module
 */

import { V8_FLAGS, VARIABLES } from "../../deploy/run_task.ts";
import { TextLineStream } from "./lines.ts";

/** What can be asked, by name: arguments and answer. */
export type Questions<C> = { readonly [N in keyof C]: [unknown[], unknown] };

/** One process. */
export interface Child<C extends Questions<C>> extends AsyncDisposable {
  /** Asks it something. */
  ask<N extends keyof C>(name: N, ...args: C[N][0]): Promise<C[N][1]>;
  /** Ends it at once, without a word to anybody. */
  kill(): Promise<void>;
  /** Lets it stand still, as a machine whose cable is out. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Lets it end as it likes. */
  stop(): Promise<void>;
}

/** A process, and the first thing that it said. */
export interface StartedChild<C extends Questions<C>, S> {
  readonly child: Child<C>;
  readonly started: S;
}

/**
 * Starts a process.
 *
 * @param program Arguments of `deno run`: a file, and flags before it
 * @param options What the program is told
 * @param v8 V8's flags; none of its own are those of Peili
 */
export async function startChild<C extends Questions<C>, S>(
  program: readonly string[],
  options: unknown,
  v8: string = V8_FLAGS,
): Promise<StartedChild<C, S>> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet"],
      ...(v8 === "" ? [] : [`--v8-flags=${v8}`]),
      ...[...program, JSON.stringify(options)],
    ],
    env: VARIABLES,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const { value: first } = await lines.read();
  if (!first) throw new Error("a process ended at its start");
  return { child: conversation<C>(child, lines), started: JSON.parse(first) };
}

function conversation<C extends Questions<C>>(
  child: Deno.ChildProcess,
  lines: ReadableStreamDefaultReader<string>,
): Child<C> {
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  const writer = child.stdin.getWriter();
  let questions = 0;
  const reading = (async () => {
    while (true) {
      const { value } = await lines.read();
      if (value === undefined) break;
      const { id, result, error } = JSON.parse(value);
      if (error) asked.get(id)?.reject(new Error(error));
      else asked.get(id)?.resolve(result);
      asked.delete(id);
    }
    asked.forEach(({ reject }) => reject(new Error("the process has ended")));
  })();
  let ended = false;
  async function end(signal?: "SIGKILL"): Promise<void> {
    if (ended) return;
    ended = true;
    if (signal) child.kill(signal);
    await writer.close().catch(() => {/* it is gone already */});
    await Promise.all([child.status, reading]);
  }
  return {
    async ask(name, ...args) {
      const answer = Promise.withResolvers<unknown>();
      asked.set(++questions, answer);
      const line = JSON.stringify({ id: questions, name, args });
      await writer.write(new TextEncoder().encode(`${line}\n`));
      return await answer.promise as never;
    },
    kill: () => end("SIGKILL"),
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    stop: () => end(),
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}
