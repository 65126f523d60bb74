/**
 * A router's process speaks: it says where it is, and answers questions until
 * its input ends.
 *
 * @module
 */

import { answer, type Started } from "./commands.ts";
import { TextLineStream } from "./lines.ts";
import type { Router } from "../../src/routing/router.ts";

/** Speaks on standard input and output. */
export async function talk(router: Router, started: Started): Promise<void> {
  say(started);
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const { id, name, args } = JSON.parse(line);
    answer(router, name, args).then(
      (result) => say({ id, result }),
      (error) => say({ id, error: String(error) }),
    );
  }
}

function say(value: unknown): void {
  const line = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < line.length;) {
    at += Deno.stdout.writeSync(line.subarray(at));
  }
}
