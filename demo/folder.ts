/**
 * The demo's folder, and who removes it.
 *
 * @module
 */

/** A folder; disposing of it removes it, unless it is to be kept. */
export interface DemoFolder extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
}

/**
 * Makes the folder, and starts the process that removes it even when this one is
 * killed.
 *
 * @param keep Leaves it there at the end; not when the demo is killed
 * @returns The folder
 */
export async function demoFolder(keep: boolean): Promise<DemoFolder> {
  const path = await Deno.makeTempDir({ prefix: "peili-demo-" });
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
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const words = caretaker.stdin.getWriter();
  return {
    path,
    async [Symbol.asyncDispose]() {
      if (keep) await words.write(new TextEncoder().encode("keep\n"));
      await words.close();
      await caretaker.status;
    },
  };
}
