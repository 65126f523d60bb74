/**
 * Log lines: JSON, one event a line, with what is needed to read them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Log, LOG_LEVELS, type LogLevel, startLog } from "../src/log.ts";

/** The lines that were written while the log was used. */
function linesOf(
  level: LogLevel,
  use: (log: Log) => void,
): Record<string, unknown>[] {
  const written: string[] = [];
  using log = startLog(level, (line) => written.push(line));
  use(log);
  for (const line of written) assert.match(line, /^[^\n]+\n$/);
  return written.map((line) => JSON.parse(line));
}

/** The one line that was written. */
function lineOf(use: (log: Log) => void): Record<string, unknown> {
  const lines = linesOf("debug", use);
  assert.equal(lines.length, 1);
  return lines[0] ?? {};
}

Deno.test("startLog() writes level, time, message and fields, in this order", () => {
  const line = lineOf((log) => log.info("request", { status: 200, ip: "::1" }));
  const { time, ...rest } = line;
  assert.deepEqual(Object.keys(line), ["level", "time", "msg", "status", "ip"]);
  assert.deepEqual(rest, {
    level: "info",
    msg: "request",
    status: 200,
    ip: "::1",
  });
  assert.equal(new Date(String(time)).toISOString(), time);
});

Deno.test.each([...LOG_LEVELS])(
  "startLog() at %s leaves out what is less",
  (level) => {
    const lines = linesOf(level, (log) => {
      for (const each of LOG_LEVELS) log[each](each);
    });
    const expected = LOG_LEVELS.slice(LOG_LEVELS.indexOf(level));
    assert.deepEqual(lines.map((line) => line.level), expected);
    assert.deepEqual(lines.map((line) => line.msg), expected);
  },
);

Deno.test("startLog() writes an error as its words and those of its causes", () => {
  const error = new Error("Cannot read", {
    cause: new TypeError("refused", { cause: new Error("") }),
  });
  const line = lineOf((log) => log.warn("peer is away", { error }));
  assert.equal(line.error, "Cannot read: refused: Error");
});

Deno.test("startLog() writes DOMExceptions, and causes that are no errors", () => {
  const line = lineOf((log) =>
    log.warn("late", {
      error: new DOMException("no answer", "TimeoutError"),
      other: new Error("Cannot go on", { cause: "text" }),
    })
  );
  assert.equal(line.error, "no answer");
  assert.equal(line.other, "Cannot go on");
});

Deno.test("startLog() takes braces in messages and fields as they are", () => {
  const line = lineOf((log) =>
    log.info("a {path} and {{b}}", { path: "/v2/{x}\n" })
  );
  assert.equal(line.msg, "a {path} and {{b}}");
  assert.equal(line.path, "/v2/{x}\n");
});

Deno.test("startLog() leaves out fields that are undefined, and keeps null", () => {
  const line = lineOf((log) => log.info("m", { a: undefined, b: null, c: 0 }));
  assert.deepEqual(Object.keys(line), ["level", "time", "msg", "b", "c"]);
});

Deno.test("startLog() writes nothing once it is disposed of", () => {
  const written: string[] = [];
  const log = startLog("debug", (line) => written.push(line));
  log[Symbol.dispose]();
  log.error("late");
  assert.deepEqual(written, []);
});

Deno.test("startLog() can be started again", () => {
  assert.equal(linesOf("info", (log) => log.info("one")).length, 1);
  assert.equal(linesOf("info", (log) => log.info("two")).length, 1);
});
