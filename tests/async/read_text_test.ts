/**
 * Texts that somebody else sends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readText } from "../../src/async/read_text.ts";

Deno.test("readText() reads a text that comes in pieces of characters", async () => {
  const bytes = new TextEncoder().encode("peili \u{1F4E6}");
  const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
  const body = ReadableStream.from(pieces);
  assert.equal(await readText(body, bytes.length), "peili \u{1F4E6}");
});

Deno.test("readText() takes no body for the empty text", async () => {
  assert.equal(await readText(null, 0), "");
});

Deno.test("readText() leaves an endless text after what it may have", async () => {
  let sent = 0;
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(10));
    },
    cancel: () => void (left = true),
  }, { highWaterMark: 0 });
  await assert.rejects(readText(body, 25), RangeError);
  assert.deepEqual([sent, left], [3, true]);
});
