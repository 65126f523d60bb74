/**
 * Saying the same only now and then.
 *
 * @module
 */

import assert from "node:assert/strict";
import { rarely } from "../../src/async/rarely.ts";

Deno.test("rarely() says once in its time how often it held back", () => {
  let now = 0;
  const say = rarely({ everyMs: 100, now: () => now });
  assert.equal(say("a"), 0);
  assert.equal(say("a"), null);
  now = 99;
  assert.equal(say("a"), null);
  now = 100;
  assert.equal(say("a"), 2);
  assert.equal(say("a"), null);
  now = 200;
  assert.equal(say("a"), 1);
});

Deno.test("rarely() holds back the same and nothing else", () => {
  const say = rarely({ everyMs: 100, now: () => 0 });
  assert.deepEqual([say("a"), say("b"), say("a"), say("b")], [
    0,
    0,
    null,
    null,
  ]);
});
