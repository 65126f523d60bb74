/**
 * Places, and how far they are from each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  closest,
  compareDistance,
  kadKey,
  positionOf,
} from "../../../src/routing/libp2p/position.ts";

const places = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `p${i}`,
    position: positionOf(kadKey(`p${i}`)),
  }));

Deno.test("kadKey() is the multihash of a text's SHA-256", () => {
  assert.equal(
    kadKey("foobar").toHex(),
    "1220c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2",
  );
});

Deno.test("positionOf() is the SHA-256 of the key, as words", () => {
  const position = positionOf(new TextEncoder().encode("foobar"));
  assert.equal(position.length, 8);
  assert.equal(position[0], 0xc3ab8ff1);
  assert.equal(position[7], 0xaef0c4f2);
});

Deno.test("compareDistance() compares by XOR, the first words first", () => {
  const at = (...words: number[]) =>
    Uint32Array.from({ length: 8 }, (_, i) => words[i] ?? 0);
  const target = at(0b1000, 5);
  assert.ok(compareDistance(target, at(0b1001), at(0b0000)) < 0);
  assert.ok(compareDistance(target, at(0b1000, 4), at(0b1000, 7)) < 0);
  assert.ok(compareDistance(at(0), at(0x8000_0000), at(1)) > 0, "unsigned");
  assert.equal(compareDistance(target, at(1), at(1)), 0);
});

Deno.test.each([0, 1, 3, 20, 200])(
  "closest() gives the %d nearest, nearest first",
  (count) => {
    const all = places(100);
    for (const key of ["a", "b", "c"]) {
      const target = positionOf(kadKey(key));
      const expected = all.toSorted((a, b) =>
        compareDistance(target, a.position, b.position)
      ).slice(0, count);
      assert.deepEqual(closest(target, all, count), expected);
      assert.deepEqual(closest(target, all.toReversed(), count), expected);
    }
  },
);
