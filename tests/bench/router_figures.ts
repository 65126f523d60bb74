/**
 * The figures of routers on loopback, beside js-libp2p's own DHT: lookups,
 * advertising, processor time and memory.
 *
 *     deno task bench router --nodes 2,5,10,20
 *
 * @module
 */

import { Command } from "commander";
import { fileURLToPath } from "node:url";
import { join } from "node:path/posix";
import { V8_FLAGS } from "../../deploy/run_task.ts";
import {
  type RouterProcess,
  startRouter,
  startRouters,
} from "../cluster/routers.ts";
import type { RouterProcessOptions } from "../cluster/commands.ts";
import { runCommand } from "../lab/command.ts";
import { bundle } from "./bundle.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Says what is going on. */
type Progress = (line: string) => Promise<void>;

/** What is measured, and how much of it: the DHT as it comes is slow. */
interface Candidate {
  name: string;
  /** Its program. */
  source: string;
  options: Partial<RouterProcessOptions>;
  /** Digests of the long run, and those of the short one, scaled to 1,000. */
  digests: number;
  sample: number;
}

const CANDIDATES: readonly Candidate[] = [
  {
    name: "Peili",
    source: "../cluster/router_process.ts",
    options: {},
    digests: 5_000,
    sample: 1_000,
  },
  {
    name: "Peili, 3 replicas", // So that a lookup asks others, also in 20 nodes.
    source: "../cluster/router_process.ts",
    options: { replicas: 3 },
    digests: 5_000,
    sample: 1_000,
  },
  {
    name: "kad-dht as it comes",
    source: "stock_router.ts",
    options: {},
    digests: 50,
    sample: 20,
  },
];

const HEAD = [
  "",
  "nodes",
  "lookup p50 ms",
  "p99 ms",
  "CPU ms all",
  "advertise 1,000: s",
  "CPU s all",
  "then digests",
  "s",
  "RSS idle MiB",
  "RSS MiB",
  "anon MiB",
];

/** Measures all, and gives a table. */
export async function routerFigures(
  args: readonly string[],
  progress: Progress,
): Promise<string> {
  const { nodes } = new Command("bench router")
    .option("--nodes <n,...>", "how many nodes, in turn", "2,5,10,20")
    .parse([...args], { from: "user" }).opts();
  const sizes = String(nodes).split(",").map(Number);
  const folder = await Deno.makeTempDir({ prefix: "peili-bench-" });
  try {
    const rows = [HEAD];
    for (const candidate of CANDIDATES) {
      const program = await bundle(join(HERE, candidate.source), folder);
      for (const size of sizes) {
        await progress(`${candidate.name}, ${size} nodes`);
        const row = await measure(candidate, size, program);
        rows.push(row);
        await progress(`  ${row.slice(2).join("  ")}`);
      }
    }
    await progress("1,000 members known");
    const crowd = await crowdFigures(folder);
    const store = join(HERE, "record_figures.ts");
    const argv = [
      Deno.execPath(),
      "run",
      "-A",
      `--v8-flags=${V8_FLAGS}`,
      store,
    ];
    return `${table(rows)}\n${crowd}${await runCommand(argv)}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const KNOWN = 1_000;
const CONNECTED = 127;
const CROWD_DIGESTS = 5_000;

/** One router that knows many members, of whom some are connected to it. */
async function crowdFigures(folder: string): Promise<string> {
  const program = await bundle(join(HERE, CANDIDATES[0]?.source ?? ""), folder);
  await using router = await startRouter({}, program);
  const crowd = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", join(HERE, "crowd.ts"), router.multiaddr],
      ...[CONNECTED, KNOWN].map(String),
    ],
    stdout: "piped",
  }).spawn();
  const there = crowd.stdout.getReader();
  try {
    await there.read();
    const digests = keys("c", CROWD_DIGESTS);
    await router.ask("advertise", digests);
    const { p50, p99 } = await router.ask("lookups", keys("d", CROWD_DIGESTS));
    const all = await router.ask("nearest", "any", KNOWN * 2);
    const { rss, anon, hwm } = await router.ask("usage");
    return `${all.length} members known, ${CONNECTED} connected at first, ` +
      `${CROWD_DIGESTS} digests advertised, ${CROWD_DIGESTS} looked up ` +
      `that nobody has (p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} ms): ` +
      `RSS ${mib(rss)}, anonymous ${mib(anon)}, peak ${mib(hwm)} MiB\n`;
  } finally {
    crowd.kill("SIGKILL");
    await there.cancel();
    await crowd.status;
  }
}

async function measure(
  { name, options, digests, sample }: Candidate,
  size: number,
  program: string,
): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const routers = await startRouters(size, options, stack, program);
  const [holder, asker] = [routers[0], routers.at(-1)];
  if (!holder || !asker) throw new Error("Cannot measure no node");
  const idle = await largest(routers, "rss");
  const first = keys("a", sample);
  const told = await timed(routers, () => holder.ask("advertise", first));
  const rest = keys("b", digests);
  const more = await timed(routers, () => holder.ask("advertise", rest));
  let looked = { found: 0, p50: 0, p99: 0 };
  const found = await timed(routers, async () => {
    looked = await asker.ask("lookups", rest);
  });
  if (looked.found < digests) throw new Error(`${name} found ${looked.found}`);
  const scale = 1_000 / sample;
  const about = scale === 1 ? "" : "*";
  return [
    name,
    String(size),
    looked.p50.toFixed(2),
    looked.p99.toFixed(2),
    (found.cpu * 1_000 / digests).toFixed(2),
    (told.seconds * scale).toFixed(2) + about,
    (told.cpu * scale).toFixed(2) + about,
    String(digests),
    more.seconds.toFixed(2),
    mib(idle),
    mib(await largest(routers, "rss")),
    mib(await largest(routers, "anon")),
  ];
}

function keys(prefix: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `sha256:${prefix}${String(i).padStart(63, "0")}`,
  );
}

async function timed(
  routers: readonly RouterProcess[],
  act: () => Promise<unknown>,
): Promise<{ seconds: number; cpu: number }> {
  const before = await cpuOf(routers);
  const began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1_000;
  return { seconds, cpu: await cpuOf(routers) - before };
}

async function cpuOf(routers: readonly RouterProcess[]): Promise<number> {
  const all = await Promise.all(routers.map((router) => router.ask("usage")));
  return all.reduce((sum, { cpu }) => sum + cpu, 0);
}

async function largest(
  routers: readonly RouterProcess[],
  what: "rss" | "anon",
): Promise<number> {
  const all = await Promise.all(routers.map((router) => router.ask("usage")));
  return Math.max(...all.map((usage) => usage[what]));
}

function mib(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(0);
}

function table(rows: readonly string[][]): string {
  const widths = HEAD.map((_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0))
  );
  const lines = rows.map((row) =>
    row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd()
  );
  return [...lines, "* scaled from a shorter run", ""].join("\n");
}
