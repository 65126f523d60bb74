/**
 * The first step of a pull where a registry is out of order for a moment.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fakeImage, startRegistry } from "./fake_registry.ts";
import { pullTarget } from "./pulling.ts";

const IMAGE = fakeImage([100]);

Deno.test("resolveTarget() asks again, and not for ever", async () => {
  let asked = 0;
  let busy = 2;
  await using registry = startRegistry(IMAGE.pieces, ({ method }) => {
    if (method !== "HEAD" || asked++ >= busy) return null;
    return new Response(null, { status: 503 });
  });
  await using target = await pullTarget();
  await target.pull(registry.address);
  assert.equal(asked, 3);
  busy = Infinity;
  await assert.rejects(target.pull(registry.address), /status 503/);
  assert.equal(asked, 6);
});
