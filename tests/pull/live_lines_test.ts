/**
 * Lines on a terminal, bars, and numbers of bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  bar,
  formatBytes,
  liveLines,
  type Screen,
} from "../../src/pull/live_lines.ts";

/** A screen, and what stands on it: it knows the codes that are used. */
function fakeScreen(
  columns: number | null,
  rows = 24,
): Screen & { lines(): string[] } {
  let lines = [""];
  const put = (text: string) => {
    const [first = "", ...rest] = text.split("\n");
    lines = [...lines.slice(0, -1), (lines.at(-1) ?? "") + first, ...rest];
  };
  return {
    size: () => columns === null ? null : { columns, rows },
    write(text) {
      const [first = "", ...rest] = text.split("\x1b[");
      put(first);
      for (const code of rest) {
        const up = /^(\d+)A\r$/.exec(code)?.[1];
        if (up !== undefined) {
          // A terminal's cursor stops at its upper end.
          const count = Math.min(Number(up), rows - 1);
          lines = [...lines.slice(0, -1 - count), ""];
        } else put(code.replace(/^J/, ""));
      }
    },
    lines: () => lines,
  };
}

Deno.test("liveLines() draws lines again in place, below those that stay", () => {
  const screen = fakeScreen(20);
  const lines = liveLines(screen);
  lines.print("first");
  lines.show(["a 1", "b 1"]);
  lines.show(["a 2", "b 2", "c 2"]);
  lines.print("second");
  assert.deepEqual(screen.lines(), [
    "first",
    "second",
    "a 2",
    "b 2",
    "c 2",
    "",
  ]);
  lines.show([]);
  assert.deepEqual(screen.lines(), ["first", "second", ""]);
});

Deno.test("liveLines() lets no line that changes wrap", () => {
  const screen = fakeScreen(8);
  const lines = liveLines(screen);
  lines.show(["████████████", "123456"]);
  assert.deepEqual(screen.lines(), ["███████", "123456", ""]);
});

Deno.test("liveLines() shows as many lines as the terminal has, and says how many more there are", () => {
  const screen = fakeScreen(20, 4);
  const lines = liveLines(screen);
  const drawn = ["a", "b", "c", "d", "e"];
  lines.show(drawn);
  assert.deepEqual(screen.lines(), ["a", "b", "  and 3 more", ""]);
  lines.print("stays");
  lines.show(drawn);
  const stays = ["stays", "a", "b", "  and 3 more", ""];
  assert.deepEqual(screen.lines(), stays);
  lines.show(["d", "e"]);
  assert.deepEqual(screen.lines(), ["stays", "d", "e", ""]);
});

Deno.test("liveLines() writes only what stays where there is no terminal", () => {
  const screen = fakeScreen(null);
  const lines = liveLines(screen);
  lines.show(["a"]);
  lines.print("stays");
  lines.show(["b"]);
  assert.deepEqual(screen.lines(), ["stays", ""]);
});

Deno.test("bar() draws parts of a whole", () => {
  const parts = (a: number, b: number) => [
    { amount: a, fill: "a" },
    { amount: b, fill: "b" },
  ];
  assert.equal(bar(parts(0, 0), 100, 10), "··········");
  assert.equal(bar(parts(50, 20), 100, 10), "aaaaabb···");
  assert.equal(bar(parts(0, 100), 100, 10), "bbbbbbbbbb");
  assert.equal(bar(parts(90, 90), 100, 10), "aaaaaaaaab");
  assert.equal(bar(parts(1, 1), 0, 10), "··········");
});

Deno.test("formatBytes() writes three digits", () => {
  const written = [
    0,
    999,
    1000,
    1234,
    99_940,
    99_960,
    999_600,
    12_345_678,
    2e13,
  ]
    .map(formatBytes);
  assert.deepEqual(written, [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 kB",
    "99.9 kB",
    "100 kB",
    "1.0 MB",
    "12.3 MB",
    "20.0 TB",
  ]);
});
