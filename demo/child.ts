/**
 * Peili on a leash: it loads, says so, waits for the word, runs, and ends when
 * the demo is gone, however that went.
 *
 * @module
 */

import { main } from "../src/cli.ts";

const stop = new AbortController();
let runs = false;
Deno.addSignalListener("SIGTERM", () => {
  // Who waits for the word has nothing to end.
  if (!runs) Deno.exit(1);
  stop.abort();
});
// Ctrl-C reaches all processes of a terminal: the demo decides what ends when.
Deno.addSignalListener("SIGINT", () => {});

// What the command needs, so that all begin in the same moment.
if (Deno.args[0] === "run") await import("../src/node.ts");
else await import("../src/pull/pull.ts");
await Deno.stdout.write(new TextEncoder().encode("loaded\n"));

const words = Deno.stdin.readable.getReader();
const { done } = await words.read();
if (done) Deno.exit(1);
runs = true;
words.read().finally(() => Deno.exit(1));
Deno.exit(await main(Deno.args, stop.signal));
