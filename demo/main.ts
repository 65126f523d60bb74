/**
 * The demo: what Peili does, on this machine, in half a minute.
 *
 * @module
 */

import { sleep } from "../src/async/backoff.ts";
import { stopRequests } from "../src/async/stop_requests.ts";
import { describeError } from "../src/log.ts";
import { formatBytes, type ScreenSize } from "../src/pull/live_lines.ts";
import { demoFolder } from "./folder.ts";
import { type DemoOptions, HELP, parseOptions, UsageError } from "./options.ts";
import { demoView, formatTable, legend } from "./picture.ts";
import { runDemo } from "./rounds.ts";

/**
 * A Ctrl-C that ends a process which is just starting may be heard here after the
 * end of that process, which must not look like the trouble: milliseconds.
 */
const SIGNAL_LAG_MS = 100;

/** Exit codes: done, failed, used wrongly, and ended by Ctrl-C or the like. */
const DONE = 0;
const FAILED = 1;
const USAGE = 2;
const STOPPED = 130;

/** As in `| head`: nobody reads on, so nobody wants to be told. */
class ReaderGoneError extends Error {
  override readonly name = "ReaderGoneError";
}

function write(text: string): void {
  try {
    writeTo(Deno.stdout, text);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
    throw new ReaderGoneError("nobody reads on", { cause });
  }
}

function writeTo(stream: typeof Deno.stdout, text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}

function screenSize(): ScreenSize | null {
  return Deno.stdout.isTerminal() ? Deno.consoleSize() : null;
}

async function show(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const size = options.image?.path ?? formatBytes(options.imageBytes);
  write(`Peili on this machine: ${options.nodes} nodes, an image (${size})\n`);
  write(`${legend()}\n`);
  const view = demoView({ write, size: screenSize });
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
  const onStop = stopRequests({
    stop: () => stop.abort(),
    // The others notice that this process is gone.
    hurry: () => Deno.exit(STOPPED),
  });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, onStop);
  }
  forgetProxies();
  try {
    const options = parseOptions(Deno.args);
    if (options) await show(options, stop.signal);
    else write(HELP);
    return DONE;
  } catch (error) {
    if (error instanceof ReaderGoneError) return STOPPED;
    const isUsage = error instanceof UsageError;
    if (!isUsage) await sleep(SIGNAL_LAG_MS, stop.signal);
    if (stop.signal.aborted) {
      writeTo(Deno.stderr, "\nstopped\n");
      return STOPPED;
    }
    const hint = isUsage ? "; --help tells more" : "";
    writeTo(Deno.stderr, `error: ${describeError(error)}${hint}\n`);
    return isUsage ? USAGE : FAILED;
  }
}

Deno.exit(await main());
