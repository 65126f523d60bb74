/**
 * Removes the demo's folder when the demo is gone, however that went: a process
 * of its own, which outlives it by a moment.
 *
 * @module
 */

/** Milliseconds until the folder is left alone after all. */
const PATIENCE_MS = 10_000;

/** Milliseconds between two tries: nodes that still end write a last time. */
const RETRY_MS = 100;

/**
 * Removes a folder.
 *
 * @param path The folder
 * @throws {Error} If it is still there after some time
 */
async function removeFolder(path: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (true) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

// They reach all processes of a terminal, and this one ends last.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
  Deno.addSignalListener(name, () => {});
}
const [path] = Deno.args;
await Deno.stdout.write(new TextEncoder().encode("listening\n"));
// A word means that the folder is to be kept; the end, that nobody is there.
const { done } = await Deno.stdin.readable.getReader().read();
if (done && path !== undefined) await removeFolder(path);
