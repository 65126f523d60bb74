/** How fast a source gives what it has. @module */

import assert from "node:assert/strict";
import { linkGauge } from "../../src/mirror/link_gauge.ts";

const MIB = 1 << 20;
const CHUNK = MIB / 16;

/** Feeds so many steps of 1 MiB: each after a pause, in chunks. */
function fed(steps: number, pauseMs: number, chunkMs: number) {
  const gauge = linkGauge();
  for (let chunk = 0; chunk < 16 * steps; chunk++) {
    gauge.add(CHUNK, chunk % 16 === 0 ? pauseMs : chunkMs);
  }
  return gauge;
}

Deno.test("linkGauge() knows nothing before 1 MiB", () => {
  const gauge = linkGauge();
  gauge.add(MIB - 1, 1);
  assert.equal(gauge.rate(), 0);
});

Deno.test("linkGauge() does not count the wait for what the source itself waits for", () => {
  // A registry of 5 Mbit/s: 1 MiB each 1.7 s, which then takes 15 ms.
  const rate = fed(3, 1_700, 1).rate();
  assert.ok(rate > 60 * MIB && rate < 80 * MIB, `${rate}`);
});

Deno.test("linkGauge() tells of a slow link that is never idle", () => {
  const rate = fed(3, 26, 26).rate(); // 64 KiB at 20 Mbit/s.
  assert.ok(rate > 2.4 * MIB && rate < 2.8 * MIB, `${rate}`);
});

Deno.test("linkGauge() takes the best of what came lately", () => {
  const gauge = fed(4, 1, 1);
  gauge.add(MIB, 400);
  gauge.add(MIB, 0);
  const quick = gauge.rate();
  for (let step = 0; step < 4; step++) {
    gauge.add(MIB / 2, 400);
    gauge.add(MIB / 2, 400);
  }
  assert.ok(gauge.rate() < quick / 4, `${gauge.rate()} after ${quick}`);
});

Deno.test("linkGauge() takes bytes that took no time", () => {
  const gauge = linkGauge();
  gauge.add(MIB, 0);
  assert.ok(Number.isSafeInteger(gauge.rate()) && gauge.rate() > 0);
});
