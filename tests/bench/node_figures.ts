/**
 * The figures of one node: start, memory, latency of a miss, relay. A table of
 * what was measured, each in the unit of its row.
 *
 *     deno task bench node
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path/posix";
import { runCommand } from "../lab/command.ts";
import { type Daemon, startDaemon } from "../lab/daemon.ts";
import { Lab } from "../lab/lab.ts";
import type { Node } from "../lab/node.ts";
import type { Usage } from "../lab/process.ts";
import { waitFor } from "../lab/wait.ts";
import type { DrainRate, MissLatency } from "./load_client.ts";
import { RELAY_DIGEST } from "./relay_parts.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const V8_FLAGS = "--v8-flags=--max-semi-space-size=1,--optimize-for-size";

/** Nodes of the lab: a miss asks this many less one. */
const NODES = 5;
const MISSES = 2_000;
const STREAMS = 8;
const RELAY_MIB = 1024;
const RELAY_RUNS = 5;
/** A process has settled when it has not grown for this long. */
const SETTLE_MS = 10_000;

/** One line of the result. */
export interface FigureRow {
  figure: string;
  value: string;
}

/** Says what is going on. */
export type Progress = (line: string) => Promise<void>;

/** Measures everything, on labs and processes that come and go. */
export async function nodeFigures(progress: Progress): Promise<FigureRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "peili-bench-" });
  try {
    await progress("bundling");
    const program = await bundle(join(ROOT, "main.ts"), folder);
    await warm(program);
    Deno.env.set("PEILI_LAB_BIN", program);
    const relayed = await relayFigures(folder, progress);
    return [...await labFigures(folder, progress), ...relayed];
  } finally {
    Deno.env.delete("PEILI_LAB_BIN");
    await Deno.remove(folder, { recursive: true });
  }
}

async function bundle(entry: string, folder: string): Promise<string> {
  const name = entry.slice(entry.lastIndexOf("/") + 1).replace(/ts$/, "js");
  const out = join(folder, name);
  const flags = ["--quiet", "--minify", "--platform=deno", `--output=${out}`];
  await runCommand([Deno.execPath(), "bundle", ...flags, entry]);
  return out;
}

/**
 * Starts a bundle as the build of an image does. Deno notes what it finds in a
 * new file, and the memory for that, 20 MiB, stays with the process that did it;
 * it takes two starts until all is noted.
 */
async function warm(program: string): Promise<void> {
  for (let starts = 0; starts < 2; starts++) {
    await runCommand([Deno.execPath(), "run", "-A", program, "version"]);
  }
}

async function labFigures(
  folder: string,
  progress: Progress,
): Promise<FigureRow[]> {
  await using lab = await Lab.up({ nodes: NODES, containerd: ["2.1"] });
  const image = await lab.image("big");
  const info = await lab.imageInfo("big");
  const digest = info.layers.toSorted((a, b) => b.size - a.size)[0]?.digest;
  const [one, two] = [lab.node(1), lab.node(2)];
  const stages = await stageFigures(lab, folder, progress);
  await progress("starting Peili");
  const starts = await startTimes(lab);
  await sleep(SETTLE_MS);
  const idle = usageRow("Peili idle", two.peili.rss());
  await progress("misses");
  const misses = await client<MissLatency>(two, [
    "miss",
    `http://127.0.0.1:30020/v2/lab/none/blobs`,
    String(MISSES),
  ]);
  await one.pull(image);
  await progress(`${STREAMS} streams`);
  const url = `http://127.0.0.1:30020/v2/lab/big/blobs/${digest}`;
  const rate = await client<DrainRate>(two, ["drain", url, String(STREAMS)]);
  return [
    ...stages,
    idle,
    { figure: "start to ready (F18)", value: starts },
    {
      figure: "miss nobody can serve, 4 peers (F12)",
      value: `p50 ${misses.p50.toFixed(2)} ms, p99 ${misses.p99.toFixed(2)} ms`,
    },
    usageRow(`relay of ${STREAMS} streams, peak`, two.peili.rss()),
    usageRow(`serving ${STREAMS} streams, peak`, one.peili.rss()),
    { figure: `relay of ${STREAMS} streams`, value: rateText(rate) },
  ];
}

/** What each part adds, each in a process of its own. */
async function stageFigures(
  lab: Lab,
  folder: string,
  progress: Progress,
): Promise<FigureRow[]> {
  const rows: FigureRow[] = [];
  for (const stage of ["runtime", "logs", "grpc"]) {
    await progress(`memory: ${stage}`);
    const script = await bundle(join(HERE, "stages", `${stage}.ts`), folder);
    const { socket } = lab.node(1).containerd;
    const argv = [Deno.execPath(), "run", "-A", V8_FLAGS, script, socket];
    const log = join(folder, `${stage}.log`);
    const daemon = await startDaemon(lab.folder, { name: stage, argv, log });
    await sleep(SETTLE_MS / 2);
    const names = {
      runtime: "runtime",
      logs: "+ logs, metrics",
      grpc: "+ gRPC",
    };
    rows.push(usageRow(names[stage as keyof typeof names], daemon.usage()));
    await daemon.stop();
  }
  return rows;
}

/** From the process's start to its line "ready", on each node. */
async function startTimes(lab: Lab): Promise<string> {
  const times: number[] = [];
  for (const node of lab.nodes) {
    const started = Date.now();
    await node.startPeili();
    await waitFor(`${node.name} to be ready`, async () => {
      const line = (await node.peiliLogs()).find(({ msg }) => msg === "ready");
      if (line) times.push(Date.parse(String(line.time)) - started);
      return line !== undefined;
    }, { budgetMs: 20_000, log: node.peiliLog });
  }
  times.sort((a, b) => a - b);
  return `${times.join(", ")} ms`;
}

async function client<T>(node: Node, args: readonly string[]): Promise<T> {
  const script = join(HERE, "load_client.ts");
  const argv = [Deno.execPath(), "run", "--allow-net", script, ...args];
  return JSON.parse(await node.exec(argv));
}

/** One stream over loopback: through the whole chain, and with nothing of ours. */
async function relayFigures(
  folder: string,
  progress: Progress,
): Promise<FigureRow[]> {
  await using lab = await Lab.up({ nodes: 1 }); // Only for its process keeping.
  const file = join(folder, "relay.bin");
  await runCommand([
    ...["dd", "if=/dev/urandom", `of=${file}`, "bs=1M"],
    `count=${RELAY_MIB}`,
  ]);
  const start = async (role: string, what: string) => {
    const log = join(folder, `${role}.log`);
    const script = join(HERE, "relay_parts.ts");
    const argv = [Deno.execPath(), "run", "-A", V8_FLAGS, script, role, what];
    const daemon = await startDaemon(lab.folder, { name: role, argv, log });
    return { daemon, address: `127.0.0.1:${await portOf(daemon, log)}` };
  };
  const origin = await start("origin", file);
  const chains = {
    "serving a file": origin,
    "relay, whole chain (F13)": await start("relay", origin.address),
    "relay, unwrapped (F13)": await start("plain", origin.address),
  };
  const rows: FigureRow[] = [];
  for (const [figure, { address, daemon }] of Object.entries(chains)) {
    await progress(figure);
    const rates = await drainRates(address);
    const peak = daemon.usage()?.hwm ?? 0;
    rows.push({ figure, value: `${rates}; VmHWM ${mib(peak)} MiB` });
  }
  return rows;
}

async function portOf(daemon: Daemon, log: string): Promise<number> {
  let port = 0;
  await daemon.until("to print its port", 20_000, async () => {
    port = Number((await Deno.readTextFile(log)).trim());
    return port > 0;
  });
  return port;
}

async function drainRates(address: string): Promise<string> {
  const url = `http://${address}/v2/bench/blobs/${RELAY_DIGEST}`;
  const rates: number[] = [];
  for (let i = 0; i < RELAY_RUNS; i++) {
    const argv = ["curl", "-sS", "-o", "/dev/null", "-w", "%{speed_download}"];
    rates.push(Number(await runCommand([...argv, url])) / 1e9);
  }
  rates.sort((a, b) => a - b);
  const [median, most] = [rates[RELAY_RUNS >> 1] ?? 0, rates.at(-1) ?? 0];
  return `median ${median.toFixed(2)}, best ${most.toFixed(2)} GB/s`;
}

function usageRow(figure: string, usage: Usage | null): FigureRow {
  if (!usage) return { figure, value: "ended" };
  const { rss, anon, hwm } = usage;
  const value = `RSS ${mib(rss)}, anonymous ${mib(anon)}, peak ${mib(hwm)} MiB`;
  return { figure, value };
}

function rateText({ bytes, seconds }: DrainRate): string {
  return `${(bytes / seconds / 1e9).toFixed(2)} GB/s in all`;
}

function mib(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
