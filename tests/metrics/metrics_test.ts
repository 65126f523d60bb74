/**
 * Metrics as Prometheus reads them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { metricsRegistry, NO_METRICS } from "../../src/metrics/metrics.ts";
import {
  type MetricName,
  type MetricRow,
  METRICS,
} from "../../src/metrics/names.ts";

const ROWS = Object.entries(METRICS) as [MetricName, MetricRow][];

/** The text without comments, a line each. */
async function samples(
  metrics: ReturnType<typeof metricsRegistry>,
): Promise<string[]> {
  const text = await metrics.text();
  return text.split("\n").filter((line) => line && !line.startsWith("#"));
}

Deno.test("metricsRegistry() tells kind and help of every metric", async () => {
  const text = await metricsRegistry().text();
  for (const [name, { kind, help }] of ROWS) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n`), name);
    assert.ok(text.includes(`# TYPE ${name} ${kind}\n`), name);
  }
});

Deno.test("metricsRegistry() counts by labels", async () => {
  const metrics = metricsRegistry();
  const labels = { source: "peer", direction: "sent" };
  metrics.count("peili_bytes_total", labels, 5);
  metrics.count("peili_bytes_total", labels, 7);
  metrics.count("peili_bytes_total", { ...labels, direction: "received" });
  const lines = await samples(metrics);
  const of = (direction: string) =>
    `peili_bytes_total{source="peer",direction="${direction}"}`;
  assert.ok(lines.includes(`${of("sent")} 12`));
  assert.ok(lines.includes(`${of("received")} 1`));
});

Deno.test("metricsRegistry() moves gauges up and down", async () => {
  const metrics = metricsRegistry();
  metrics.gauge("peili_streams", { listener: "peer" }, 3);
  metrics.gauge("peili_streams", { listener: "peer" }, -2);
  const lines = await samples(metrics);
  assert.ok(lines.includes('peili_streams{listener="peer"} 1'));
});

Deno.test("metricsRegistry() sorts samples into buckets", async () => {
  const metrics = metricsRegistry();
  const name = "peili_request_duration_seconds";
  const labels = { listener: "mirror", source: "local" };
  for (const value of [0.0005, 0.02, 30]) metrics.observe(name, labels, value);
  const text = await metrics.text();
  const count = (bound: string) => {
    const line =
      `${name}_bucket{le="${bound}",listener="mirror",source="local"}`;
    return text.split(`${line} `)[1]?.split("\n")[0];
  };
  assert.deepEqual([count("0.001"), count("0.025"), count("+Inf")], [
    "1",
    "2",
    "3",
  ]);
});

Deno.test("metricsRegistry() measures memory when it is read", async () => {
  const lines = await samples(metricsRegistry());
  const line = lines.find((each) =>
    each.startsWith("peili_resident_memory_bytes ")
  );
  assert.ok(Number(line?.split(" ")[1]) > 1 << 20);
});

Deno.test("metricsRegistry() shares nothing with another", async () => {
  const [one, other] = [metricsRegistry(), metricsRegistry()];
  one.count("peili_resumes_total", { outcome: "resumed" });
  const text = await other.text();
  assert.ok(!text.includes('resumed"'));
});

Deno.test("metricsRegistry() refuses a label that is not in the table", () => {
  const metrics = metricsRegistry();
  assert.throws(() => metrics.count("peili_resumes_total", { path: "/v2/" }));
});

Deno.test("metricsRegistry() says in which format its text is", () => {
  assert.match(metricsRegistry().contentType, /^text\/plain; version=0\.0\.4/);
});

Deno.test("NO_METRICS takes everything", () => {
  NO_METRICS.count("peili_resumes_total", {});
  NO_METRICS.gauge("peili_streams", {}, 1);
  NO_METRICS.observe("peili_request_duration_seconds", {}, 1);
});

Deno.test.each(ROWS.map(([name, row]) => ({ name, row })))(
  "METRICS names $name as Prometheus asks",
  ({ name, row }) => {
    assert.match(name, /^peili_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith("_total"), row.kind === "counter");
    assert.equal(row.buckets !== undefined, row.kind === "histogram");
    assert.match(row.help, /^[A-Z].*\.$/);
    const sorted = row.buckets?.toSorted((a, b) => a - b);
    assert.deepEqual(row.buckets, sorted);
    for (const label of row.labels) assert.match(label, /^[a-z]+$/);
  },
);
