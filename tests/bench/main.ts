/** The benchmark: a figure for every mirror, from labs that come and go. @module */
import { type Mirror, mirrorsOf, NO_MIRROR } from "./mirrors.ts";
import { nodeFigures } from "./node_figures.ts";
import { drawRows } from "./picture.ts";
import { parsePlan, type Plan } from "./plan.ts";
import { runOnce, type RunResult } from "./run_once.ts";
import { type Row, summarize } from "./summary.ts";
import { formatTable } from "./table.ts";

async function write(
  where: { write(bytes: Uint8Array): Promise<number> },
  text: string,
): Promise<void> {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await where.write(rest));
}

async function progress(line: string): Promise<void> {
  await write(Deno.stderr, `${line}\n`);
}

/** What is run in turn: a plan, a mirror, and the name of its row. */
interface Entry {
  name: string;
  mirror: Mirror;
  plan: Plan;
}

function entriesOf(plan: Plan): Entry[] {
  const one: Entry = {
    name: "one",
    mirror: NO_MIRROR,
    plan: { ...plan, nodes: 1, scenario: "cold" },
  };
  const entries = mirrorsOf(plan).map((mirror) => {
    return { name: mirror.name, mirror, plan };
  });
  return plan.withOne ? [one, ...entries] : entries;
}

/** Runs all entries in turn, again and again: what changes hits all alike. */
async function measure(plan: Plan): Promise<Row[]> {
  const rows = entriesOf(plan).map((entry) => ({
    entry,
    runs: [] as RunResult[],
  }));
  for (let round = 1; round <= plan.repeat; round++) {
    for (const { entry: { name, mirror, plan }, runs } of rows) {
      await progress(`run ${round} of ${plan.repeat}: ${name}`);
      const result = await runOnce(plan, mirror);
      runs.push(result);
      const makespan = (result.makespanMs / 1000).toFixed(2);
      const load = Deno.loadavg()[0]?.toFixed(1);
      await progress(`  makespan ${makespan} s, load average ${load}`);
    }
  }
  return rows.map(({ entry, runs }) => summarize(entry.name, runs));
}

/** Where the figures come from. */
function machine(): { cores: number; kernel: string; deno: string } {
  const { hardwareConcurrency: cores } = navigator;
  return { cores, kernel: Deno.osRelease(), deno: Deno.version.deno };
}

/** The figures of one node, as two columns. */
async function printNodeFigures(): Promise<void> {
  const rows = await nodeFigures(progress);
  const width = Math.max(...rows.map(({ figure }) => figure.length));
  for (const { figure, value } of rows) {
    await write(Deno.stdout, `${figure.padEnd(width)}  ${value}\n`);
  }
}

async function main(): Promise<number> {
  if (Deno.args[0] === "node") {
    await printNodeFigures();
    return 0;
  }
  if (Deno.args[0] === "router") {
    const { routerFigures } = await import("./router_figures.ts");
    await write(Deno.stdout, await routerFigures(Deno.args.slice(1), progress));
    return 0;
  }
  if (Deno.args[0] === "scale") {
    const { scaleFigures } = await import("./scale/figures.ts");
    await write(Deno.stdout, await scaleFigures(Deno.args.slice(1), progress));
    return 0;
  }
  const plan = parsePlan(Deno.args);
  try {
    const rows = await measure(plan);
    const text = plan.json
      ? `${JSON.stringify({ plan, machine: machine(), rows }, null, 2)}\n`
      : formatTable(plan, rows);
    await write(Deno.stdout, text);
    if (plan.svg) await Deno.writeTextFile(plan.svg, drawRows(plan, rows));
    return rows.some(({ summary }) => summary.errors.length > 0) ? 1 : 0;
  } catch (error) {
    await progress(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
