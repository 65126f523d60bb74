/**
 * The program: reads the arguments, runs the command, sets the exit code.
 *
 * @module
 */

import { stopRequests } from "./src/async/stop_requests.ts";
import { main } from "./src/cli.ts";

const stop = new AbortController();
const onStop = stopRequests({
  stop: () => stop.abort(),
  hurry: () => Deno.exit(1),
});
for (const name of ["SIGTERM", "SIGINT"] as const) {
  Deno.addSignalListener(name, onStop);
}

Deno.exit(await main(Deno.args, stop.signal));
