/**
 * What a cluster of many nodes costs each of them: real routers, several in each
 * process and one in a process of its own, or that one among scripted members.
 *
 *     deno task bench scale --nodes 100 --digests 2000
 *     deno task bench scale --scripted 999
 *
 * @module
 */

import { Command } from "commander";
import { fileURLToPath } from "node:url";
import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import type { RouterCounts } from "../../../src/routing/libp2p/router.ts";
import { type Child, startChild } from "../../cluster/child.ts";
import { bundle } from "../bundle.ts";
import type {
  Counted,
  RouterOptions,
  RouterQuestions,
  ScriptedQuestions,
} from "./commands.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** How large, and for how long. */
interface Plan {
  nodes: number;
  processes: number;
  scripted: number;
  digests: number;
  shared: number;
  minutes: number;
  settle: number;
  churn: number;
}

/** Says what is going on. */
type Progress = (line: string) => Promise<void>;

type Routers = Child<RouterQuestions>;
type Scripted = Child<ScriptedQuestions>;

/** Milliseconds until all know all: a hundred routers share a few cores. */
const JOIN_MS = 600_000;

/**
 * Milliseconds between two that join: some 60 connections, each 40 ms and more of
 * the few cores that all share.
 */
const JOIN_EVERY_MS = 1_200;

/** To ask more often would count for something. */
const LOOK_MS = 500;

/** Of the measure with nodes that come and go. */
const SHORT_MINUTES = 2;

/** As `src/routing/libp2p/provide.ts` tells again on average, in ms. */
const AGAIN_MS = 236_000;

/** Peers that keep a record. */
const REPLICAS = 20;

/** Measures, and gives what came of each phase. */
export async function scaleFigures(
  args: readonly string[],
  progress: Progress,
): Promise<string> {
  const plan = parsePlan(args);
  const folder = await Deno.makeTempDir({ prefix: "peili-bench-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const program = await bundle(`${HERE}router_host.ts`, folder);
  const one = stack.use(await routers(program, { first: 0 }));
  const router = await one.ask("start", []);
  await progress(`${plan.nodes + plan.scripted} nodes, ${loadOf()}`);
  const others = plan.scripted > 0
    ? []
    : await startOthers(plan, { program, router, stack });
  const scripted = plan.scripted > 0
    ? await startScripted(plan, { folder, router, stack })
    : [];
  const all = [one, ...others];
  const measure = measuring(all, progress);
  await measure("join", () => allKnown(all, plan.nodes + plan.scripted));
  await measure("links settle", () => sleep(plan.settle * 1_000));
  await measure("no records", () => sleep(plan.settle * 1_000));
  await measure("advertise", async () => {
    const { digests, shared } = plan;
    await Promise.all(all.map((one) => one.ask("advertise", digests, shared)));
    const perPeer = digests * REPLICAS / (plan.nodes + plan.scripted);
    for (const one of scripted) {
      await one.ask("tell", AGAIN_MS, Math.round(perPeer));
    }
  });
  await lookUp(plan, one, progress);
  for (let minute = 1; minute <= plan.minutes; minute++) {
    await measure(`minute ${minute}`, () => sleep(60_000));
  }
  const figures = measure.rows.slice(-plan.minutes);
  await lookUp(plan, one, progress);
  if (scripted.length > 0 && plan.churn > 0) {
    for (const one of scripted) {
      await one.ask("churn", plan.churn / scripted.length);
    }
    await measure(
      `${plan.churn} come and go a minute`,
      () => sleep(SHORT_MINUTES * 60_000),
    );
  }
  return [
    "",
    `mean of ${plan.minutes} minutes, a node a minute, ${loadOf()}`,
    JSON.stringify(meanOf(figures), null, 1),
    "",
  ].join("\n");
}

function parsePlan(args: readonly string[]): Plan {
  const options = new Command("bench scale")
    .option("--nodes <n>", "real routers", "100")
    .option("--processes <n>", "that they share, beside the first's", "6")
    .option("--scripted <n>", "one real router among so many others", "0")
    .option("--digests <n>", "that each has alone", "2000")
    .option("--shared <n>", "that all have", "200")
    .option("--minutes <n>", "that are measured", "6")
    .option("--settle <seconds>", "for links, before anything is told", "60")
    .option("--churn <n>", "scripted members that come a minute", "33")
    .parse([...args], { from: "user" }).opts();
  const plan = Object.fromEntries(
    Object.entries(options).map(([name, text]) => [name, Number(text)]),
  ) as unknown as Plan;
  return plan.scripted > 0 ? { ...plan, nodes: 1 } : plan;
}

async function routers(
  program: string,
  options: RouterOptions,
  v8?: string,
): Promise<Routers> {
  const { child } = await startChild<RouterQuestions, null>(
    [program],
    options,
    v8,
  );
  return child;
}

async function startOthers(
  { nodes, processes }: Plan,
  { program, router, stack }: {
    program: string;
    router: string;
    stack: AsyncDisposableStack;
  },
): Promise<Routers[]> {
  const each = Math.ceil((nodes - 1) / processes);
  const others: Routers[] = [];
  for (let first = 1; first < nodes; first += each) {
    // Many routers' garbage is not one's: V8 as it comes.
    others.push(stack.use(await routers(program, { first }, "")));
  }
  for (let node = 1; node < nodes; node++) {
    await others[Math.floor((node - 1) / each)]?.ask("start", [router]);
    await sleep(JOIN_EVERY_MS);
  }
  return others;
}

const SCRIPTED_PROCESSES = 5;

async function startScripted(
  { scripted }: Plan,
  { folder, router, stack }: {
    folder: string;
    router: string;
    stack: AsyncDisposableStack;
  },
): Promise<Scripted[]> {
  const program = await bundle(`${HERE}scripted_host.ts`, folder);
  const each = Math.ceil(scripted / SCRIPTED_PROCESSES);
  const starts = Array.from(
    { length: SCRIPTED_PROCESSES },
    (_, i) =>
      startChild<ScriptedQuestions, MemberRecord[]>([program], {
        first: 1 + i * 2 * each,
        count: Math.min(each, scripted - i * each),
      }, ""),
  );
  const all = await Promise.all(starts);
  all.forEach(({ child }) => stack.use(child));
  const records = all.flatMap(({ started }) => started);
  await Promise.all(all.map(({ child }) => child.ask("know", records)));
  for (const { child } of all) await child.ask("meet", router);
  return all.map(({ child }) => child);
}

async function allKnown(all: readonly Routers[], nodes: number): Promise<void> {
  const end = performance.now() + JOIN_MS;
  while (true) {
    const counted = await Promise.all(all.map((one) => one.ask("counts")));
    const known = counted.flatMap(({ routers }) => routers)
      .map(({ members }) => members);
    if (known.every((members) => members === nodes)) return;
    if (performance.now() > end) throw new Error(`They know ${known}`);
    await sleep(LOOK_MS);
  }
}

/** The first router finds what others have, of each a share. */
async function lookUp(
  { nodes, digests, scripted }: Plan,
  one: Routers,
  progress: Progress,
): Promise<void> {
  if (scripted > 0) return; // They say that they know of nothing.
  const others = Array.from({ length: nodes - 1 }, (_, i) => i + 1);
  const each = Math.max(1, Math.min(digests, Math.floor(2_000 / nodes)));
  const { found, p50, p99 } = await one.ask("lookups", others, each);
  await progress(
    `  found ${found} of ${others.length * each}, ` +
      `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
  );
}

/** What a node did in a minute, or has. */
interface Row {
  phase: string;
  seconds: number;
  first: Figures;
  others: Figures | null;
}

type Figures = Record<string, number | string>;

interface Measuring {
  (phase: string, act: () => Promise<void>): Promise<void>;
  readonly rows: Row[];
}

function measuring(all: readonly Routers[], progress: Progress): Measuring {
  const rows: Row[] = [];
  const count = () => Promise.all(all.map((one) => one.ask("counts")));
  const measure = async (phase: string, act: () => Promise<void>) => {
    const before = await count();
    const began = performance.now();
    await act();
    const after = await count();
    const seconds = (performance.now() - began) / 1_000;
    const [first, ...others] = after.map((counted, i) =>
      difference(before[i], counted, seconds)
    );
    if (!first) return;
    const row = {
      phase,
      seconds,
      first,
      others: others.length > 0 ? merged(others) : null,
    };
    rows.push(row);
    await progress(`${phase}, ${seconds.toFixed(1)} s, ${loadOf()}`);
    await progress(`  first   ${line(row.first)}`);
    if (row.others) await progress(`  others  ${line(row.others)}`);
  };
  return Object.assign(measure, { rows });
}

/** Of one process, for each of its routers. */
function difference(
  before: Counted | undefined,
  after: Counted,
  seconds: number,
): Figures {
  const nodes = after.routers.length;
  const each = (now: number, then = 0) => (now - then) * 60 / seconds / nodes;
  const then = before?.traffic;
  const figures: Figures = {
    cpu: each(after.usage.cpu, before?.usage.cpu),
    made: each(after.traffic.made, then?.made),
    taken: each(after.traffic.taken, then?.taken),
    writes: each(after.traffic.writes, then?.writes),
    kb: each(after.traffic.bytes, then?.bytes) / 1_000,
  };
  for (
    const [kind, { count, bytes }] of Object.entries(after.traffic.messages)
  ) {
    const was = then?.messages[kind];
    figures[kind] = each(count, was?.count);
    figures[`${kind} kb`] = each(bytes, was?.bytes) / 1_000;
  }
  for (const name of ["links", "members", "records"] as const) {
    figures[name] = mean(after.routers.map((one: RouterCounts) => one[name]));
  }
  figures.rss = after.usage.rss / (1 << 20) / nodes;
  figures.anon = after.usage.anon / (1 << 20) / nodes;
  return figures;
}

function meanOf(rows: readonly Row[]): Record<string, Figures> {
  return {
    first: merged(rows.map(({ first }) => first)),
    ...(rows[0]?.others
      ? { others: merged(rows.flatMap(({ others }) => others ? [others] : [])) }
      : {}),
  };
}

function merged(all: readonly Figures[]): Figures {
  const names = new Set(all.flatMap((figures) => Object.keys(figures)));
  return Object.fromEntries(
    [...names].map((name) => {
      const value = mean(all.map((figures) => Number(figures[name] ?? 0)));
      return [name, Number(value.toPrecision(4))];
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function line(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value).toPrecision(3)}`)
    .join("  ");
}

function loadOf(): string {
  return `load ${Deno.loadavg()[0]?.toFixed(1)}`;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
