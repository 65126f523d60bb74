/** The figures of repeated runs in one row: median, least and most. @module */
import type { RunResult } from "./run_once.ts";

/** One figure over all runs. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** The figures that a row shows; times in ms, sizes in bytes. */
export interface Summary {
  makespan: Spread;
  p50: Spread;
  slowest: Spread;
  /** The slowest but one: where one node is slow, what the others needed. */
  butOne: Spread;
  registry: Spread;
  /** The registry's bytes as a multiple of the image's. */
  multiple: Spread;
  /** The part of that which came after the first second. */
  later: Spread;
  peakRss: Spread;
  peakAnon: Spread;
  cpuSeconds: Spread;
  /** What each node sent, median of the runs. */
  nodeBytes: number[];
  errors: string[];
}

/** All runs of one mirror. */
export interface Row {
  name: string;
  runs: RunResult[];
  summary: Summary;
}

/** The middle one; of two middle ones the lower. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

function spread(values: readonly number[]): Spread {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { median: median(values), min, max };
}

function slowestButOne(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => b - a);
  return sorted[1] ?? sorted[0] ?? NaN;
}

/** Puts all runs of one mirror into a row. */
export function summarize(name: string, runs: RunResult[]): Row {
  const over = (figure: (run: RunResult) => number) => spread(runs.map(figure));
  const times = (run: RunResult) => run.outcomes.map(({ ms }) => ms);
  const nodes = runs[0]?.nodeBytes ?? [];
  const summary: Summary = {
    makespan: over((run) => run.makespanMs),
    p50: over((run) => median(times(run))),
    slowest: over((run) => Math.max(...times(run))),
    butOne: over((run) => slowestButOne(times(run))),
    registry: over((run) => run.registryBytes),
    multiple: over((run) => run.registryBytes / run.imageBytes),
    later: over((run) => run.laterBytes / run.imageBytes),
    peakRss: over((run) => run.peakRss),
    peakAnon: over((run) => run.peakAnon),
    cpuSeconds: over((run) => run.cpuSeconds),
    nodeBytes: nodes.map((_, i) =>
      median(runs.map((run) => run.nodeBytes[i] ?? 0))
    ),
    errors: runs.flatMap(({ outcomes }) =>
      outcomes.flatMap(({ node, error }) =>
        error === undefined ? [] : [`node${node}: ${error}`]
      )
    ),
  };
  return { name, runs, summary };
}
