/**
 * The metrics of one node as handles, and their text for Prometheus. The only
 * door to prom-client.
 *
 * @module
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type MetricName, type MetricRow, METRICS } from "./names.ts";

/** Values of a metric's labels. */
export type Labels = Readonly<Record<string, string>>;

/** What the parts of a node report to. */
export interface Metrics {
  /** Adds to a counter. */
  count(name: MetricName, labels: Labels, amount?: number): void;
  /** Adds to a gauge; negative to take away. */
  gauge(name: MetricName, labels: Labels, change: number): void;
  /** Adds a sample to a histogram, in its unit. */
  observe(name: MetricName, labels: Labels, value: number): void;
}

/** Metrics that can be read. */
export interface MetricsRegistry extends Metrics {
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
  /** The media type of that text. */
  readonly contentType: string;
}

/** Metrics that go nowhere. */
export const NO_METRICS: Metrics = { count() {}, gauge() {}, observe() {} };

/**
 * Makes the metrics of a node.
 *
 * @returns The handles and the text
 */
export function metricsRegistry(): MetricsRegistry {
  const registry = new Registry();
  const rows = Object.entries(METRICS) as [MetricName, MetricRow][];
  const all = new Map(rows.map(([name, row]) => [
    name,
    register(registry, name, row),
  ]));
  const handle = <T>(name: MetricName) => all.get(name) as T;
  return {
    count: (name, labels, amount = 1) =>
      handle<Counter>(name).inc(labels, amount),
    gauge: (name, labels, change) => handle<Gauge>(name).inc(labels, change),
    observe: (name, labels, value) =>
      handle<Histogram>(name).observe(labels, value),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function register(registry: Registry, name: MetricName, row: MetricRow) {
  const { help, kind } = row;
  const options = {
    name,
    help,
    labelNames: [...row.labels],
    registers: [registry],
  };
  if (kind === "counter") return new Counter(options);
  if (kind === "histogram") {
    return new Histogram({ ...options, buckets: [...row.buckets ?? []] });
  }
  return new Gauge({
    ...options,
    ...(name === "peili_resident_memory_bytes"
      ? { collect: residentMemory }
      : {}),
  });
}

function residentMemory(this: Gauge): void {
  this.set(Deno.memoryUsage().rss);
}
