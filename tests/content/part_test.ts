/**
 * Which part of content an answer holds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { partOf } from "../../src/content/part.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { RangeRequest } from "../../src/oci/range.ts";

Deno.test("partOf() is the whole when no range was asked", () => {
  assert.equal(partOf(undefined, 10), null);
  assert.equal(partOf(undefined, 0), null);
});

Deno.test("partOf() fits a range", () => {
  assert.deepEqual(partOf({ start: 2, end: 20 }, 10), { start: 2, end: 9 });
  assert.deepEqual(partOf({ suffix: 3 }, 10), { start: 7, end: 9 });
  assert.deepEqual(partOf({ start: 0 }, 10), { start: 0, end: 9 });
});

Deno.test.each<{ range: RangeRequest; size: number }>([
  { range: { start: 10 }, size: 10 },
  { range: { suffix: 0 }, size: 10 },
  { range: { start: 0 }, size: 0 },
  { range: { suffix: 1 }, size: 0 },
])("partOf() refuses $range of $size bytes", ({ range, size }) => {
  assert.throws(() => partOf(range, size), (error) => {
    assert.ok(error instanceof RegistryError);
    assert.equal(error.code, "RANGE_INVALID");
    assert.equal(error.status, 416);
    assert.deepEqual(error.headers, { "Content-Range": `bytes */${size}` });
    return true;
  });
});
