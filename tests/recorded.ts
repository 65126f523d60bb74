/**
 * A log and metrics that remember what they were told.
 *
 * @module
 */

import type { Log, LogFields, LogLevel } from "../src/log.ts";
import type { Labels, Metrics } from "../src/metrics/metrics.ts";
import type { MetricName } from "../src/metrics/names.ts";

/** One line that was logged. */
export interface RecordedLine extends LogFields {
  readonly level: LogLevel;
  readonly msg: string;
}

/** A log whose lines can be looked at. */
export interface RecordedLog extends Log {
  readonly lines: RecordedLine[];
  /** Resolves with the first line that has this message, which may be to come. */
  line(msg: string): Promise<RecordedLine>;
}

/** Makes a log without lines. */
export function recordedLog(): RecordedLog {
  const lines: RecordedLine[] = [];
  const waiting: { msg: string; resolve: (line: RecordedLine) => void }[] = [];
  const at = (level: LogLevel) => (msg: string, fields: LogFields = {}) => {
    const line = { ...fields, level, msg };
    lines.push(line);
    waiting.filter((one) => one.msg === msg)
      .forEach(({ resolve }) => resolve(line));
  };
  return {
    lines,
    line(msg) {
      const known = lines.find((line) => line.msg === msg);
      if (known) return Promise.resolve(known);
      return new Promise((resolve) => waiting.push({ msg, resolve }));
    },
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** Metrics whose values can be looked at. */
export interface RecordedMetrics extends Metrics {
  /** What was added, by `name{label=value,...}` with sorted labels. */
  readonly values: Record<string, number>;
  /** Samples of histograms, by the same. */
  readonly samples: Record<string, number[]>;
}

/** Makes metrics without values. */
export function recordedMetrics(): RecordedMetrics {
  const values: Record<string, number> = {};
  const samples: Record<string, number[]> = {};
  const add = (name: MetricName, labels: Labels, amount: number) => {
    const key = keyOf(name, labels);
    values[key] = (values[key] ?? 0) + amount;
  };
  return {
    values,
    samples,
    count: (name, labels, amount = 1) => add(name, labels, amount),
    gauge: add,
    observe: (name, labels, value) =>
      void (samples[keyOf(name, labels)] ??= []).push(value),
  };
}

function keyOf(name: string, labels: Labels): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `${name}{${texts.sort().join(",")}}`;
}
