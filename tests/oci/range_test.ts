/**
 * Byte ranges of requests and answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  formatContentRange,
  formatRange,
  parseContentRange,
  parseRange,
  rangeLength,
  type RangeRequest,
  resolveRange,
} from "../../src/oci/range.ts";
import { random } from "../suites/random.ts";

Deno.test.each<{ header: string; range: RangeRequest }>([
  { header: "bytes=0-0", range: { start: 0, end: 0 } },
  { header: "bytes=0-499", range: { start: 0, end: 499 } },
  { header: "bytes=500-", range: { start: 500 } },
  { header: "bytes=-200", range: { suffix: 200 } },
  { header: "bytes=-0", range: { suffix: 0 } },
  { header: " bytes=007-8 ", range: { start: 7, end: 8 } },
  { header: "bytes=5000000000-", range: { start: 5_000_000_000 } },
])("parseRange() reads '$header'", ({ header, range }) => {
  assert.deepEqual(parseRange(header), range);
});

Deno.test.each([
  { header: null },
  { header: "" },
  { header: "bytes" },
  { header: "bytes=" },
  { header: "bytes=-" },
  { header: "bytes=--1" },
  { header: "bytes=abc-def" },
  { header: "bytes=100-50" },
  { header: "bytes=0-1,5-6" },
  { header: "bytes=0-1, -6" },
  { header: "bytes=0x1-2" },
  { header: "bytes=1.5-2" },
  { header: "bytes=+1-2" },
  { header: "bytes=0-1-2" },
  { header: "items=0-1" },
  { header: "0-1" },
  { header: "bytes=9007199254740993-" },
  { header: `bytes=0-${"9".repeat(400)}` },
])("parseRange() ignores '$header'", ({ header }) => {
  assert.equal(parseRange(header), null);
});

Deno.test.each<{ range: RangeRequest; size: number; part: string }>([
  { range: { start: 0 }, size: 10, part: "0-9" },
  { range: { start: 9 }, size: 10, part: "9-9" },
  { range: { start: 2, end: 4 }, size: 10, part: "2-4" },
  { range: { start: 2, end: 9 }, size: 10, part: "2-9" },
  { range: { start: 2, end: 10 }, size: 10, part: "2-9" },
  { range: { suffix: 1 }, size: 10, part: "9-9" },
  { range: { suffix: 10 }, size: 10, part: "0-9" },
  { range: { suffix: 11 }, size: 10, part: "0-9" },
  { range: { start: 10 }, size: 10, part: "none" },
  { range: { start: 11, end: 12 }, size: 10, part: "none" },
  { range: { suffix: 0 }, size: 10, part: "none" },
  { range: { start: 0 }, size: 0, part: "none" },
  { range: { start: 0, end: 0 }, size: 0, part: "none" },
  { range: { suffix: 1 }, size: 0, part: "none" },
])("resolveRange() fits $range to $size bytes: $part", (row) => {
  const part = resolveRange(row.range, row.size);
  assert.equal(part ? `${part.start}-${part.end}` : "none", row.part);
});

Deno.test("resolveRange() is what a slice is", () => {
  const numbers = random(4);
  for (let round = 0; round < 500; round++) {
    const content = Array.from({ length: numbers.below(20) }, (_, at) => at);
    const start = numbers.below(25);
    const end = start + numbers.below(10);
    const suffix = numbers.below(25);
    const rows: [RangeRequest, number[]][] = [
      [{ start }, content.slice(start)],
      [{ start, end }, content.slice(start, end + 1)],
      [{ suffix }, suffix === 0 ? [] : content.slice(-suffix)],
    ];
    for (const [range, expected] of rows) {
      const part = resolveRange(range, content.length);
      const what = `${JSON.stringify(range)} of ${content.length}`;
      assert.equal(part ? rangeLength(part) : 0, expected.length, what);
      assert.equal(part?.start, expected.at(0), what);
      assert.equal(part?.end, expected.at(-1), what);
    }
  }
});

Deno.test.each<RangeRequest>([
  { start: 0 },
  { start: 5, end: 5 },
  { suffix: 3 },
])("formatRange() writes what parseRange() reads", (range) => {
  assert.deepEqual(parseRange(formatRange(range)), range);
});

Deno.test("formatContentRange() writes what parseContentRange() reads", () => {
  const header = formatContentRange({ start: 2, end: 4 }, 10);
  assert.equal(header, "bytes 2-4/10");
  assert.deepEqual(parseContentRange(header), { start: 2, end: 4, size: 10 });
});

Deno.test.each([
  "",
  "bytes",
  "bytes 0-1",
  "bytes 0-1/*",
  "bytes */10",
  "bytes 5-4/10",
  "bytes 5-10/10",
  "bytes=0-1/10",
  "items 0-1/10",
  "bytes -1/10",
  "bytes 0-1/9007199254740993",
])("parseContentRange() refuses '%s'", (header) => {
  assert.equal(parseContentRange(header), null);
});
