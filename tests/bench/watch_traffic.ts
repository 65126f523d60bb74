/** What every cable of a lab has carried while nodes pull, over time. @module */
import type { Lab } from "../lab/lab.ts";

/** One look; bytes since the first one, headers of packets included. */
export interface TrafficSample {
  /** Since the first look. */
  ms: number;
  registrySent: number;
  /** What each node received; the first is node 1. */
  received: number[];
}

/** Between two looks; one at 9 hosts takes 0.3 ms. */
const SAMPLE_EVERY_MS = 50;

/** Bytes that came in at eth0, and that went out (proc_net_dev). */
const COUNTERS = /eth0:\s*(\d+)(?:\s+\d+){7}\s+(\d+)/;

/** The counters of the network that a process is in; 0 when it has ended. */
function countersOf(pid: number): { rx: number; tx: number } {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/net/dev`);
    const [, rx, tx] = COUNTERS.exec(text) ?? [];
    return { rx: Number(rx), tx: Number(tx) };
  } catch {
    return { rx: 0, tx: 0 };
  }
}

/** Runs `work`, and gives what the cables carried meanwhile beside its result. */
export async function watchTraffic<T>(
  lab: Lab,
  work: () => Promise<T>,
): Promise<[T, TrafficSample[]]> {
  const pids = lab.nodes.map(({ containerd }) => containerd.pid);
  const look = () => ({
    at: performance.now(),
    sent: countersOf(lab.upstream.pid).tx,
    received: pids.map((pid) => countersOf(pid).rx),
  });
  const first = look();
  const samples: TrafficSample[] = [];
  const sample = () => {
    const { at, sent, received } = look();
    samples.push({
      ms: Math.round(at - first.at),
      registrySent: sent - first.sent,
      received: received.map((rx, i) => rx - (first.received[i] ?? 0)),
    });
  };
  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  try {
    const result = await work();
    sample();
    return [result, samples];
  } finally {
    clearInterval(timer);
  }
}
