/**
 * Messages are cut out of a stream however its chunks fall.
 *
 * @module
 */

import assert from "node:assert/strict";
import { framed, frameReader } from "../../../src/routing/libp2p/frames.ts";

const MESSAGES = [0, 1, 127, 128, 300, 20_000].map((length, i) =>
  new Uint8Array(length).fill(i)
);

function readIn(chunkBytes: number, bytes: Uint8Array): Uint8Array[] {
  const read: Uint8Array[] = [];
  const reader = frameReader(20_000, (message) => read.push(message.slice()));
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader(bytes.subarray(at, at + chunkBytes));
  }
  return read;
}

Deno.test.each([1, 2, 3, 100, 130, 1 << 20])(
  "frameReader() reads what framed() wrote, in chunks of %d bytes",
  (chunkBytes) => {
    assert.deepEqual(readIn(chunkBytes, framed(MESSAGES)), MESSAGES);
  },
);

Deno.test("framed() writes lengths as unsigned varints", () => {
  assert.deepEqual(
    framed([new Uint8Array(1), new Uint8Array(300)]).subarray(0, 4),
    Uint8Array.of(1, 0, 0xac, 0x02),
  );
});

Deno.test("frameReader() refuses a message that is too long before it has come", () => {
  const reader = frameReader(100, () => assert.fail());
  assert.throws(() => reader(Uint8Array.of(101)), {
    name: "RangeError",
    message: "Cannot read a message of 101 bytes",
  });
});

Deno.test("frameReader() refuses a length without an end", () => {
  const reader = frameReader(100, () => assert.fail());
  assert.throws(() => reader(new Uint8Array(5).fill(0xff)), RangeError);
});
