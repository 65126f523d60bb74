/**
 * Who asks once, who asks twice, and who only seems to.
 *
 * @module
 */

import assert from "node:assert/strict";
import { stopRequests } from "../../src/async/stop_requests.ts";

Deno.test("stopRequests() hurries when it is asked again, but not by an echo", () => {
  const done: string[] = [];
  let ms = 7_000;
  const ask = stopRequests({
    stop: () => done.push("stop"),
    hurry: () => done.push("hurry"),
    now: () => ms,
  });
  ask();
  ms += 5;
  ask();
  assert.deepEqual(done, ["stop"]);
  ms += 1_000;
  ask();
  assert.deepEqual(done, ["stop", "hurry"]);
});
