/** One run: a fresh lab, a mirror on every node, one image, all figures. @module */
import { join } from "node:path/posix";
import { Lab } from "../lab/lab.ts";
import { fetchModules } from "../lab/mirror.ts";
import type { Mirror } from "./mirrors.ts";
import type { Plan } from "./plan.ts";
import { type Outcome, SCENARIOS, type Stage } from "./scenarios.ts";
import { type TrafficSample, watchTraffic } from "./watch_traffic.ts";
import { type MirrorUsage, watchUsage } from "./watch_usage.ts";

/** The figures of one run; sizes in bytes. */
export interface RunResult extends MirrorUsage {
  /** From the first pull's start to the last one's end; rolling: their sum. */
  makespanMs: number;
  outcomes: Outcome[];
  /** What the registry sent, headers included. */
  registryBytes: number;
  /** The part of it that it sent after the first second. */
  laterBytes: number;
  /** What each node sent; the first is node 1. */
  nodeBytes: number[];
  imageBytes: number;
  /** What went over the cables by when, if a picture is wanted. */
  traffic?: TrafficSample[];
}

async function limitRates(lab: Lab, plan: Plan): Promise<void> {
  const { registryMbit, nodeMbit, slowNode, slowNumber } = plan;
  await lab.upstream.rate({ outMbit: registryMbit });
  for (const node of lab.nodes) {
    const slow = node.number === slowNumber ? slowNode : undefined;
    const mbit = slow ?? nodeMbit;
    await node.rate({ inMbit: mbit, outMbit: mbit });
  }
}

/** Starts a mirror on every node, and waits until all can work. */
async function startMirrors(lab: Lab, { launch }: Mirror): Promise<void> {
  await Promise.all(lab.nodes.map((node) => launch(lab, node)));
  await untilReady(lab);
}

async function untilReady({ nodes }: Lab): Promise<void> {
  const all = nodes.flatMap(({ mirror }) => mirror ?? []);
  await Promise.all(all.map((mirror) => mirror.answers()));
  await Promise.all(all.map((mirror) => mirror.ready()));
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

/** What the registry had yet to send after the first second, in bytes. */
function sentLater(samples: readonly TrafficSample[]): number {
  const sent = (sample?: TrafficSample) => sample?.registrySent ?? 0;
  const early = samples.findLast(({ ms }) => ms <= 1_000);
  return sent(samples.at(-1)) - sent(early);
}

/** Measures one mirror once. */
export async function runOnce(plan: Plan, mirror: Mirror): Promise<RunResult> {
  const { nodes, containerd } = plan;
  const scenario = SCENARIOS[plan.scenario];
  await using lab = await Lab.up({ nodes, containerd });
  const info = await lab.imageInfo(plan.image);
  const image = await lab.image(plan.image);
  await limitRates(lab, plan);
  await fetchModules();
  if (!scenario.launches) await startMirrors(lab, mirror);
  const stage: Stage = {
    lab,
    image,
    info,
    staggerMs: plan.stagger,
    async launch(node) {
      await mirror.launch(lab, node);
      if (plan.whenListening) await node.mirror?.listens();
    },
  };
  try {
    await warmUp(lab, plan);
    await scenario.prepare(stage);
    const before = await lab.bytes();
    const start = performance.now();
    const [[outcomes, traffic], usage] = await watchUsage(
      lab,
      () => watchTraffic(lab, () => scenario.run(stage)),
    );
    const wallMs = Math.round(performance.now() - start);
    const sumMs = outcomes.reduce((sum, { ms }) => sum + ms, 0);
    const after = await lab.bytes();
    if (scenario.launches) await untilReady(lab);
    return {
      makespanMs: scenario.inTurn ? sumMs : wallMs,
      outcomes,
      registryBytes: after.registrySent - before.registrySent,
      laterBytes: sentLater(traffic),
      nodeBytes: after.nodes.map(({ tx }, i) =>
        tx - (before.nodes[i]?.tx ?? 0)
      ),
      imageBytes: info.totalBytes,
      ...usage,
      ...(plan.svg !== undefined && { traffic }),
    };
  } finally {
    if (plan.logs !== undefined) await keepLogs(lab, plan.logs);
  }
}
