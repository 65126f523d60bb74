/**
 * The program: reads the arguments, runs the command, sets the exit code.
 *
 * @module
 */

import { main } from "./src/cli.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) {
  Deno.addSignalListener(name, () => {
    // Asked twice: somebody is in a hurry.
    if (stop.signal.aborted) Deno.exit(1);
    stop.abort();
  });
}

Deno.exit(await main(Deno.args, stop.signal));
