/**
 * Work beside the rest.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../src/async/background.ts";
import { sleep } from "../../src/async/backoff.ts";

Deno.test("inBackground() begins at once and ends when disposed of", async () => {
  const said: string[] = [];
  {
    await using _work = inBackground(async (signal) => {
      said.push("begun");
      await sleep(1e9, signal);
      await Promise.resolve();
      said.push("ended");
    });
    said.push("beside");
  }
  assert.deepEqual(said, ["begun", "beside", "ended"]);
});

Deno.test("inBackground() is no trouble when the work is over before", async () => {
  await using _work = inBackground(() => Promise.resolve());
});
