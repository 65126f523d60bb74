/**
 * A log that remembers what it was told.
 *
 * @module
 */

import type { Log, LogFields } from "../../src/log.ts";

/** One line of a recorded log. */
export interface LogLine {
  /** How important it is. */
  readonly level: keyof Log;
  /** What it says. */
  readonly message: string;
  /** Its facts. */
  readonly fields: LogFields;
}

/** Makes a log and the lines that it was told. */
export function recordedLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Log) => (message: string, fields: LogFields = {}) =>
    void lines.push({ level, message, fields });
  const log: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
  return { log, lines };
}
