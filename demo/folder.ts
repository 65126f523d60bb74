/**
 * The demo's folder, and who removes it.
 *
 * @module
 */

import { tmpdir } from "node:os";
import { join } from "node:path/posix";

/** A folder; disposing of it removes it, unless it is to be kept. */
export interface DemoFolder extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
}

const OWNER_ONLY = 0o700;

/**
 * Makes the folder, and starts the process that removes it even when this one is
 * killed.
 *
 * @param keep Leaves it there at the end; not when the demo is killed
 * @returns The folder
 */
export async function demoFolder(keep: boolean): Promise<DemoFolder> {
  const path = join(tmpdir(), `peili-demo-${crypto.randomUUID()}`);
  const caretaker = new Deno.Command(Deno.execPath(), {
    cwd: new URL("../", import.meta.url),
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--allow-read=${path}`,
      `--allow-write=${path}`,
      "demo/caretaker.ts",
      path,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const words = caretaker.stdin.getWriter();
  const heard = caretaker.stdout.getReader();
  const { done } = await heard.read();
  if (done) throw new Error("Cannot begin: nobody would tidy up afterwards");
  await heard.cancel();
  // Not before: who is ended in a terminal takes a caretaker that starts along.
  await Deno.mkdir(path, { mode: OWNER_ONLY });
  return {
    path,
    async [Symbol.asyncDispose]() {
      if (keep) await words.write(new TextEncoder().encode("keep\n"));
      await words.close();
      await caretaker.status;
    },
  };
}
