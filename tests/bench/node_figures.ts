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
import { V8_FLAGS, VARIABLES } from "../../deploy/run_task.ts";
import { runCommand } from "../lab/command.ts";
import { type Daemon, startDaemon } from "../lab/daemon.ts";
import { foundByRouters } from "../lab/discovery.ts";
import { Lab } from "../lab/lab.ts";
import type { Node } from "../lab/node.ts";
import type { PeiliFlags } from "../lab/peili_command.ts";
import type { Usage } from "../lab/process.ts";
import { waitFor } from "../lab/wait.ts";
import type { DrainRate, MissLatency } from "./load_client.ts";
import { RELAY_DIGEST } from "./relay_parts.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** As `deno task run` starts Peili. */
const RUN = [Deno.execPath(), "run", "-A", `--v8-flags=${V8_FLAGS}`];

/** Nodes of the lab: a miss asks this many less one. */
const NODES = 5;
const MISSES = 2_000;
const STREAMS = 8;
const RELAY_MIB = 1024;
const RELAY_RUNS = 5;
/** Until a process has settled: Peili collects garbage after 10 s without work. */
const SETTLE_MS = 14_000;

/** Until a stage has loaded and done what it does, and Deno has noted it. */
const STAGE_MS = 5_000;

/** What each part adds to the one before: scripts, by what their rows are called. */
const STAGES = {
  runtime: "runtime",
  logs: "+ logs, metrics",
  grpc: "+ gRPC",
  libp2p: "+ libp2p",
};

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
    await runCommand([...RUN, program, "version"], { env: VARIABLES });
  }
}

async function labFigures(
  folder: string,
  progress: Progress,
): Promise<FigureRow[]> {
  await using lab = await Lab.up({ nodes: NODES, containerd: ["2.1"] });
  const stages = await stageFigures(lab, folder, progress);
  const listed = await peiliFigures(lab, "static-peers", {}, progress);
  await Promise.all(lab.nodes.map((node) => node.stopPeili()));
  const flags = foundByRouters(lab.nodes);
  return [
    ...stages,
    ...listed,
    ...await peiliFigures(lab, "libp2p", flags, progress),
  ];
}

/** Peili on all nodes of a lab, whose processes are new. */
async function peiliFigures(
  lab: Lab,
  router: string,
  flags: PeiliFlags,
  progress: Progress,
): Promise<FigureRow[]> {
  const image = await lab.image("big");
  const info = await lab.imageInfo("big");
  const digest = info.layers.toSorted((a, b) => b.size - a.size)[0]?.digest;
  const [one, two] = [lab.node(1), lab.node(2)];
  await progress(`starting Peili, ${router}`);
  const starts = await startTimes(lab, flags);
  await sleep(SETTLE_MS);
  const idle = usageRow(`Peili idle, ${router}`, two.peili.rss());
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
  const [relaying, serving] = [two.peili.rss(), one.peili.rss()];
  await sleep(SETTLE_MS);
  return [
    idle,
    { figure: `start to ready, ${router} (F18)`, value: starts },
    {
      figure: `miss nobody can serve, 4 peers, ${router} (F12)`,
      value: `p50 ${misses.p50.toFixed(2)} ms, p99 ${misses.p99.toFixed(2)} ms`,
    },
    usageRow(`relaying ${STREAMS} streams, ${router}`, relaying),
    usageRow(`serving ${STREAMS} streams, ${router}`, serving),
    usageRow(`relaying, at rest again, ${router}`, two.peili.rss()),
    { figure: `relay of ${STREAMS} streams, ${router}`, value: rateText(rate) },
  ];
}

/** What each part adds, each in a process of its own that starts for the third time. */
async function stageFigures(
  lab: Lab,
  folder: string,
  progress: Progress,
): Promise<FigureRow[]> {
  const rows: FigureRow[] = [];
  for (const [stage, figure] of Object.entries(STAGES)) {
    await progress(`memory: ${stage}`);
    const script = await bundle(join(HERE, "stages", `${stage}.ts`), folder);
    const argv = [...RUN, script, lab.node(1).containerd.socket];
    const log = join(folder, `${stage}.log`);
    for (let starts = 1; starts <= 3; starts++) {
      const env = VARIABLES;
      const daemon = await startDaemon(lab.folder, {
        name: stage,
        argv,
        log,
        env,
      });
      await sleep(STAGE_MS);
      if (starts === 3) rows.push(usageRow(figure, daemon.usage()));
      await daemon.stop();
    }
  }
  return rows;
}

/** From the process's start to its line "ready", on each node. */
async function startTimes(lab: Lab, flags: PeiliFlags): Promise<string> {
  const times: number[] = [];
  for (const node of lab.nodes) {
    const started = Date.now();
    await node.startPeili(flags);
    await waitFor(`${node.name} to be ready`, async () => {
      // The log has the lines of earlier starts, too.
      const ms = (await node.peiliLogs())
        .filter(({ msg }) => msg === "ready")
        .map(({ time }) => Date.parse(String(time)) - started)
        .find((ms) => ms >= 0);
      if (ms !== undefined) times.push(ms);
      return ms !== undefined;
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
    const daemon = await startDaemon(lab.folder, {
      name: role,
      argv: [...RUN, script, role, what],
      log,
      env: VARIABLES,
    });
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
