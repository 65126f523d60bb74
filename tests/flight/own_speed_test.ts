/** How fast a node gets bytes, of all its flights. @module */

import assert from "node:assert/strict";
import { ownSpeed } from "../../src/flight/own_speed.ts";

/** A speed whose clock a test sets. */
function clocked() {
  let now = 0;
  return {
    speed: ownSpeed(() => now),
    wait: (ms: number) => void (now += ms),
  };
}

Deno.test("ownSpeed() adds up what all flights get", () => {
  const { speed, wait } = clocked();
  speed.got(1_000_000);
  wait(1_000);
  assert.equal(speed.inflow(), 0, "too early to tell");
  speed.got(3_000_000);
  wait(1_000);
  assert.equal(speed.inflow(), 2_000_000);
  speed.got(-5_000_000); // A pull that began anew.
  wait(2_000);
  assert.equal(speed.inflow(), 0);
});

Deno.test("ownSpeed() keeps the best source in mind for a minute", () => {
  const { speed, wait } = clocked();
  assert.equal(speed.best(), 0);
  assert.equal(speed.saw(9), 9);
  wait(60_000);
  assert.equal(speed.saw(5), 5);
  assert.equal(speed.best(), 9);
  wait(1);
  speed.saw(5);
  assert.equal(speed.best(), 5);
});
