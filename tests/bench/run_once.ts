/** One run: a fresh lab, a mirror on every node, one image, all figures. @module */
import { join } from "node:path/posix";
import { Lab } from "../lab/lab.ts";
import type { Plan } from "./plan.ts";
import { type Outcome, SCENARIOS } from "./scenarios.ts";
import { type TrafficSample, watchTraffic } from "./watch_traffic.ts";
import { type MirrorUsage, watchUsage } from "./watch_usage.ts";

/** The figures of one run; sizes in bytes. */
export interface RunResult extends MirrorUsage {
  /** From the first pull's start to the last one's end; rolling: their sum. */
  makespanMs: number;
  outcomes: Outcome[];
  /** What the registry sent, headers included. */
  registryBytes: number;
  /** What each node sent; the first is node 1. */
  nodeBytes: number[];
  imageBytes: number;
  /** What went over the cables by when, if a picture is wanted. */
  traffic?: TrafficSample[];
}

/** Not the first: that one has the image when others do not. */
const SLOW_NODE = 2;

async function limitRates(lab: Lab, plan: Plan): Promise<void> {
  const { registryMbit, nodeMbit, slowNode } = plan;
  await lab.upstream.rate({ outMbit: registryMbit });
  for (const node of lab.nodes) {
    const slow = node.number === SLOW_NODE ? slowNode : undefined;
    const mbit = slow ?? nodeMbit;
    await node.rate({ inMbit: mbit, outMbit: mbit });
  }
}

async function startMirrors(
  lab: Lab,
  mirror: string,
  plan: Plan,
): Promise<void> {
  if (mirror === "none") return;
  if (mirror === "peili") await lab.startPeili(plan.peiliFlags);
  else await lab.startMirror(mirror);
}

/** A process that has never answered loads and compiles while the clock runs. */
async function warmUp(lab: Lab, { warm }: Plan): Promise<void> {
  if (warm === undefined) return;
  const image = await lab.image(warm);
  await Promise.all(lab.nodes.map((node) => node.pull(image)));
}

/** Copies the logs of a run's mirrors, named by node. */
async function keepLogs(lab: Lab, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, mirror } of lab.nodes) {
    if (!mirror) continue;
    await Deno.copyFile(mirror.daemon.log, join(folder, `${name}.log`));
  }
}

/** Measures one mirror once. */
export async function runOnce(plan: Plan, mirror: string): Promise<RunResult> {
  const { nodes, containerd } = plan;
  await using lab = await Lab.up({ nodes, containerd });
  const info = await lab.imageInfo(plan.image);
  const image = await lab.image(plan.image);
  await limitRates(lab, plan);
  await startMirrors(lab, mirror, plan);
  const stage = { lab, image, info, staggerMs: plan.stagger };
  const scenario = SCENARIOS[plan.scenario];
  try {
    await warmUp(lab, plan);
    await scenario.prepare(stage);
    const before = await lab.bytes();
    const start = performance.now();
    const run = () => scenario.run(stage);
    const [[outcomes, traffic], usage] = await watchUsage(
      lab,
      async () =>
        plan.svg === undefined
          ? [await run()] as const
          : await watchTraffic(lab, run),
    );
    const wallMs = Math.round(performance.now() - start);
    const sumMs = outcomes.reduce((sum, { ms }) => sum + ms, 0);
    const after = await lab.bytes();
    return {
      makespanMs: scenario.inTurn ? sumMs : wallMs,
      outcomes,
      registryBytes: after.registrySent - before.registrySent,
      nodeBytes: after.nodes.map(({ tx }, i) =>
        tx - (before.nodes[i]?.tx ?? 0)
      ),
      imageBytes: info.totalBytes,
      ...usage,
      ...(traffic && { traffic }),
    };
  } finally {
    if (plan.logs !== undefined) await keepLogs(lab, plan.logs);
  }
}
