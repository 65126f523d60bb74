/**
 * The demo: what Peili does, on this machine, in half a minute.
 *
 * @module
 */

import { describeError } from "../src/log.ts";
import { formatBytes } from "../src/pull/live_lines.ts";
import { demoFolder } from "./folder.ts";
import { type DemoOptions, HELP, parseOptions, UsageError } from "./options.ts";
import { demoView, formatTable, legend } from "./picture.ts";
import { runDemo } from "./rounds.ts";

/** Exit codes: done, failed, used wrongly, and ended by Ctrl-C or its like. */
const DONE = 0;
const FAILED = 1;
const USAGE = 2;
const STOPPED = 130;

function write(text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

function columns(): number | null {
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : null;
}

async function show(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const size = options.image?.path ?? formatBytes(options.imageBytes);
  write(`Peili on this machine: ${options.nodes} nodes, an image (${size})\n`);
  write(`${legend()}\n`);
  const view = demoView({ write, columns });
  await using folder = await demoFolder(options.keep);
  const { path } = folder;
  if (options.keep) write(`The nodes' folders and logs stay in ${path}\n`);
  const rounds = await runDemo(options, { path, view }, signal);
  write(`\n${formatTable(rounds)}`);
}

/** Loopback needs no proxy, and a proxy does not know this machine's. */
function forgetProxies(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (/_proxy$/i.test(name)) Deno.env.delete(name);
  }
}

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => {
      // Asked twice: the others notice that this process is gone.
      if (stop.signal.aborted) Deno.exit(STOPPED);
      stop.abort();
    });
  }
  forgetProxies();
  try {
    const options = parseOptions(Deno.args);
    if (options) await show(options, stop.signal);
    else write(HELP);
    return DONE;
  } catch (error) {
    if (stop.signal.aborted) {
      write("\nstopped\n");
      return STOPPED;
    }
    const isUsage = error instanceof UsageError;
    const hint = isUsage ? "; --help tells more" : "";
    write(`error: ${describeError(error)}${hint}\n`);
    return isUsage ? USAGE : FAILED;
  }
}

Deno.exit(await main());
