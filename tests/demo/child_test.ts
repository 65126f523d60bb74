/**
 * A process of the demo that was never told to begin.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startProcess } from "../../demo/process.ts";

Deno.test("a process of the demo that waits for the word ends when it is asked to", async () => {
  const process = startProcess({
    permissions: [],
    script: "child.ts",
    args: ["pull"],
  });
  await process.loaded;
  await process[Symbol.asyncDispose]();
  // 137 would be SIGKILL, after seconds of patience.
  assert.equal(await process.ended, 1, process.lastLines());
});
