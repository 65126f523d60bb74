/**
 * The demo's folder, and the process that outlives the demo.
 *
 * @module
 */

import assert from "node:assert/strict";
import { demoFolder } from "../../demo/folder.ts";
import { processesWith } from "./leftovers.ts";

const KEPT = true;
const REMOVED = false;

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("demoFolder() is removed at the end by one whom no terminal ends", async () => {
  let path = "";
  {
    await using folder = await demoFolder(REMOVED);
    path = folder.path;
    assert.ok(await isThere(path));
    const [caretaker, another] = await processesWith(path);
    assert.ok(caretaker && !another);
    Deno.kill(caretaker.pid, "SIGINT");
    Deno.kill(caretaker.pid, "SIGQUIT");
    Deno.kill(caretaker.pid, "SIGHUP");
  }
  assert.ok(!await isThere(path));
});

Deno.test("demoFolder() stays when it is to be kept", async () => {
  let path = "";
  {
    await using folder = await demoFolder(KEPT);
    path = folder.path;
  }
  assert.ok(await isThere(path));
  await Deno.remove(path);
});
