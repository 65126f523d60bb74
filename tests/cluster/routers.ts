/**
 * Routers in processes of their own, on loopback.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { V8_FLAGS, VARIABLES } from "../../deploy/run_task.ts";
import { eventually } from "../suites/eventually.ts";
import type { Commands, RouterProcessOptions, Started } from "./commands.ts";
import { TextLineStream } from "./lines.ts";

const PROGRAM = fileURLToPath(new URL("router_process.ts", import.meta.url));

/**
 * Milliseconds until routers have failed: twenty processes share a few cores, and
 * what did not get through is tried again after 10 s.
 */
export const PATIENCE_MS = 90_000;

/** One process. */
export interface RouterProcess extends AsyncDisposable {
  /** Its id, as other routers know it. */
  readonly id: string;
  /** Where its router listens. */
  readonly multiaddr: string;
  readonly port: number;
  /** Asks it something. */
  ask<N extends keyof Commands>(
    name: N,
    ...args: Commands[N][0]
  ): Promise<Commands[N][1]>;
  /** Ends it at once, without a word to anybody. */
  kill(): Promise<void>;
  /** Lets it stand still, as a machine whose cable is out. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Lets it say farewell. */
  stop(): Promise<void>;
}

/** Starts one process. */
export async function startRouter(
  options: Partial<RouterProcessOptions>,
  program: readonly string[] = ["run", "-A", "--quiet", PROGRAM],
): Promise<RouterProcess> {
  const all: RouterProcessOptions = {
    network: "test",
    swarmKey: "",
    peers: [],
    zone: "",
    dataDir: "/dev/null/none", // Each start is another node.
    port: 0,
    replicas: 20,
    ...options,
  };
  const [run = "run", ...rest] = program;
  const child = new Deno.Command(Deno.execPath(), {
    args: [run, `--v8-flags=${V8_FLAGS}`, ...rest, JSON.stringify(all)],
    env: VARIABLES,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const { value: first } = await lines.read();
  if (!first) throw new Error("a router's process ended at its start");
  const { info, port }: Started = JSON.parse(first);
  return conversation(child, lines, { info, port });
}

function conversation(
  child: Deno.ChildProcess,
  lines: ReadableStreamDefaultReader<string>,
  { info, port }: Started,
): RouterProcess {
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
    id: info.id,
    multiaddr: `/ip4/127.0.0.1/tcp/${port}`,
    port,
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

/** Waits until all of these know each other, and nobody else. */
export async function knowEachOther(
  routers: readonly RouterProcess[],
): Promise<void> {
  const ids = routers.map(({ id }) => id).toSorted().join();
  let seen: { ready: boolean; count: number; same: boolean }[] = [];
  try {
    await eventually("all know each other", async () => {
      seen = await Promise.all(routers.map(async (router) => {
        const { ready } = await router.ask("ready");
        const all = await router.ask("nearest", "any", 1_000);
        const same = all.map(({ id }) => id).toSorted().join() === ids;
        return { ready, count: all.length, same };
      }));
      return seen.every(({ ready, same }) => ready && same);
    }, PATIENCE_MS);
  } catch (cause) {
    throw new Error(`They know ${JSON.stringify(seen)}`, { cause });
  }
}

/** Starts some that join by the first, and waits until all know each other. */
export async function startRouters(
  count: number,
  options: Partial<RouterProcessOptions>,
  stack: AsyncDisposableStack,
  program?: readonly string[],
): Promise<RouterProcess[]> {
  const first = stack.use(await startRouter(options, program));
  const peers = [...options.peers ?? [], first.multiaddr];
  const others = await Promise.all(
    Array.from(
      { length: count - 1 },
      async () => stack.use(await startRouter({ ...options, peers }, program)),
    ),
  );
  const all = [first, ...others];
  await knowEachOther(all);
  return all;
}
