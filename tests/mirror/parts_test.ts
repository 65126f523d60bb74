/** Parts of one content end in order. @module */

import assert from "node:assert/strict";
import { parts } from "../../src/mirror/parts.ts";
import { digestOf } from "../../src/oci/digest.ts";

const LAYER = digestOf("layer");

/** Whether a promise is fulfilled before the event loop turns. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  promise.then(() => done = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return done;
}

Deno.test("parts() lets a part end after all that begin before it", async () => {
  const sent = parts();
  const [first, second, third] = [0, 10, 20].map((start) =>
    sent.begin(LAYER, start)
  );
  assert.ok(first && second && third);
  const wait = third.lowest();
  assert.ok(await isDone(first.lowest()));
  first.end();
  assert.ok(!await isDone(wait));
  second.end();
  assert.ok(await isDone(wait));
});

Deno.test("parts() does not hold other content, nor one that is over", async () => {
  const sent = parts();
  sent.begin(digestOf("other"), 0);
  const lower = sent.begin(LAYER, 5);
  assert.ok(await isDone(lower.lowest()));
  const part = sent.begin(LAYER, 10);
  const wait = part.lowest();
  part.end();
  assert.ok(await isDone(wait));
});
