/**
 * A small process beside every lab. It waits for the lab's owner to end,
 * however that happens, and cleans up when the owner has not.
 *
 * @module
 */
import { cleanUp } from "./cleanup.ts";
import { readState } from "./folder.ts";
import { isAlive } from "./process.ts";

/** Between two looks at the owner: soon enough, and costs nothing. */
const LOOK_EVERY_MS = 250;

/** Waits until the lab in `folder` is gone, or orphaned, which it then ends. */
async function takeCare(folder: string): Promise<void> {
  for (;;) {
    const state = readState(folder);
    if (!state) return;
    if (!isAlive(state.owner)) return await cleanUp(folder);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

if (import.meta.main) await takeCare(Deno.args[0] ?? "");
