/**
 * A process speaks: it says how it began, and answers questions until its input
 * ends.
 *
 * @module
 */

import { TextLineStream } from "./lines.ts";

/** Answers a question. */
export type Answer = (
  name: string,
  args: readonly unknown[],
) => Promise<unknown>;

/** Speaks on standard input and output. */
export async function talk(started: unknown, answer: Answer): Promise<void> {
  say(started);
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const { id, name, args } = JSON.parse(line);
    answer(name, args).then(
      (result) => say({ id, result: result ?? null }),
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
