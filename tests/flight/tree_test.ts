/** Walks over the tree of a flight. @module */

import assert from "node:assert/strict";
import {
  childrenOf,
  depthOf,
  descendants,
  MAX_DEPTH,
  type Tree,
  wayUp,
} from "../../src/flight/tree.ts";

/** Makes a tree of child and parent. */
function tree(parents: Record<string, string | null>): Tree {
  return new Map(
    Object.entries(parents).map(([child, parent]) => [child, { parent }]),
  );
}

const FAMILY = tree({ a: null, b: "a", c: "a", d: "b", x: "unknown" });
const CIRCLE = tree({ a: "b", b: "a", c: "b" });

Deno.test("childrenOf() counts those that count", () => {
  assert.deepEqual(
    [...childrenOf(FAMILY, () => true)],
    [["a", 2], ["b", 1], ["unknown", 1]],
  );
  assert.deepEqual(
    [...childrenOf(FAMILY, (child) => child === "c")],
    [["a", 1]],
  );
});

Deno.test("depthOf() counts hops, and ends in a circle", () => {
  assert.deepEqual(["a", "d", "x"].map((at) => depthOf(FAMILY, at)), [0, 2, 1]);
  assert.equal(depthOf(CIRCLE, "c"), MAX_DEPTH + 1);
});

Deno.test("descendants() finds all below, and ends in a circle", () => {
  assert.deepEqual([...descendants(FAMILY, "b")], ["b", "d"]);
  assert.deepEqual([...descendants(CIRCLE, "a")].sort(), ["a", "b", "c"]);
});

Deno.test("wayUp() goes to the root, and nowhere when there is none", () => {
  assert.deepEqual(wayUp(FAMILY, "d"), ["d", "b", "a"]);
  assert.deepEqual(wayUp(FAMILY, "a"), ["a"]);
  assert.deepEqual(wayUp(FAMILY, "x"), [], "its parent is not known");
  assert.deepEqual(wayUp(CIRCLE, "c"), []);
});
