/** What the mirrors use while nodes pull. @module */
import type { Lab } from "../lab/lab.ts";

/** Of all mirrors; sizes in bytes. */
export interface MirrorUsage {
  /** The largest VmHWM. */
  peakRss: number;
  /** The largest RssAnon that was seen. */
  peakAnon: number;
  /** Processor time of all mirrors together. */
  cpuSeconds: number;
}

/** Between two samples of RssAnon: reading 20 nodes takes about 1 ms. */
const SAMPLE_EVERY_MS = 100;

/** Runs `work`, and gives what the mirrors used meanwhile beside its result. */
export async function watchUsage<T>(
  lab: Lab,
  work: () => Promise<T>,
): Promise<[T, MirrorUsage]> {
  const usages = () => lab.nodes.flatMap((node) => node.mirror?.rss() ?? []);
  const cpu = () => usages().reduce((sum, usage) => sum + usage.cpuSeconds, 0);
  let peakAnon = 0;
  const sample = () => {
    peakAnon = Math.max(peakAnon, ...usages().map(({ anon }) => anon));
  };
  const before = cpu();
  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  try {
    const result = await work();
    sample();
    const peakRss = Math.max(0, ...usages().map(({ hwm }) => hwm));
    return [result, { peakRss, peakAnon, cpuSeconds: cpu() - before }];
  } finally {
    clearInterval(timer);
  }
}
