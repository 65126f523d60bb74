/**
 * A map that forgets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { boundedMap } from "../../src/async/bounded_map.ts";
import { random } from "../suites/random.ts";

Deno.test("boundedMap() forgets what was set first", () => {
  const map = boundedMap<string, number>(2);
  ["a", "b", "c"].forEach((key, index) => map.set(key, index));
  assert.deepEqual(["a", "b", "c"].map(map.get), [undefined, 1, 2]);
});

Deno.test("boundedMap() counts get() as use", () => {
  const map = boundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.get("a");
  map.set("c", 3);
  assert.deepEqual(["a", "b"].map(map.get), [1, undefined]);
});

Deno.test("boundedMap() counts set() of a known key as use, and not twice", () => {
  const map = boundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  assert.equal(map.size, 2);
  map.set("c", 4);
  assert.deepEqual(["a", "b"].map(map.get), [3, undefined]);
});

Deno.test("boundedMap() deletes", () => {
  const map = boundedMap<string, number>(2);
  map.set("a", 1);
  assert.ok(map.delete("a"));
  assert.ok(!map.delete("a"));
  assert.deepEqual([map.get("a"), map.size], [undefined, 0]);
});

Deno.test("boundedMap() keeps null, 0 and empty text", () => {
  const map = boundedMap<string, unknown>(3);
  map.set("null", null);
  map.set("zero", 0);
  map.set("text", "");
  assert.deepEqual(["null", "zero", "text"].map(map.get), [null, 0, ""]);
});

Deno.test("boundedMap() holds the keys that were used last", () => {
  const numbers = random(5);
  const map = boundedMap<number, number>(8);
  let used: number[] = []; // The model: keys in the order of their use.
  for (let round = 0; round < 2_000; round++) {
    const key = numbers.below(20);
    const known = used.includes(key);
    if (numbers.below(2) === 0) {
      assert.equal(map.get(key), known ? key : undefined);
      if (!known) continue;
    } else {
      map.set(key, key);
    }
    used = [...used.filter((other) => other !== key), key].slice(-8);
    assert.equal(map.size, used.length);
  }
});
