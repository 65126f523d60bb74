/** Who pulls when: the situations that a cluster's registry meets. @module */
import { MIRROR_ADDRESS } from "../lab/hosts.ts";
import type { ImageInfo } from "../lab/images.ts";
import type { Lab } from "../lab/lab.ts";
import type { Node } from "../lab/node.ts";
import { waitFor } from "../lab/wait.ts";

/** How one pull went. */
export interface Outcome {
  node: number;
  ms: number;
  /** What containerd said when it failed. */
  error?: string;
}

/** What a scenario works with. */
export interface Stage {
  lab: Lab;
  /** Full name of the image. */
  image: string;
  info: ImageInfo;
  /** Between the starts of two nodes' pulls, where they do not wait. */
  staggerMs: number;
  /** Starts a node's mirror, if there is one, and does not wait until it is ready. */
  launch(node: Node): Promise<void>;
}

/** A scenario: what happens before the clock starts, and what after. */
export interface Scenario {
  prepare(stage: Stage): Promise<void>;
  run(stage: Stage): Promise<Outcome[]>;
  /** Pulls come one after another; what lies between them is not measured. */
  inTurn?: true;
  /** It starts the mirrors itself; else they are ready before. */
  launches?: true;
}

/** Longer than 20 nodes need without a mirror at 200 Mbit/s. */
const PULL_MS = 600_000;

/** How long a mirror may take to hear what another node has. */
const KNOWN_MS = 5000;

async function pullOn(node: Node, image: string): Promise<Outcome> {
  const start = performance.now();
  const took = () => Math.round(performance.now() - start);
  try {
    await node.pull(image, { budgetMs: PULL_MS });
    return { node: node.number, ms: took() };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { node: node.number, ms: took(), error: said };
  }
}

/** Waits until a node's mirror can give all of an image, if it ever can. */
async function untilKnown(node: Node, { lab, info }: Stage): Promise<void> {
  if (!node.mirror) return;
  const base = `http://${MIRROR_ADDRESS}/v2/${info.repository}`;
  const ns = `?ns=${encodeURIComponent(lab.upstream.registry)}`;
  const urls = [
    `${base}/manifests/${info.digest}${ns}`,
    ...info.layers.map(({ digest }) => `${base}/blobs/${digest}${ns}`),
  ];
  const head = (url: string) => node.httpStatus(url, "--head");
  const known = async () =>
    (await Promise.all(urls.map(head))).every((status) => status === 200);
  try {
    await waitFor("the mirror to know", known, { budgetMs: KNOWN_MS });
  } catch {
    // The pull itself will show what the mirror can do.
  }
}

/** All nodes at once, or soon after each other; nobody has the image. */
const cold: Scenario = {
  prepare: () => Promise.resolve(),
  run: ({ lab, image, staggerMs }) =>
    Promise.all(lab.nodes.map(async (node, i) => {
      await new Promise((done) => setTimeout(done, i * staggerMs));
      return await pullOn(node, image);
    })),
};

/** The first node has it; all others at once. */
const seeded: Scenario = {
  async prepare(stage) {
    const { lab, image } = stage;
    await lab.node(1).pull(image, { budgetMs: PULL_MS });
    const others = lab.nodes.slice(1);
    await Promise.all(others.map((node) => untilKnown(node, stage)));
  },
  run: ({ lab, image }) =>
    Promise.all(lab.nodes.slice(1).map((node) => pullOn(node, image))),
};

/** One node after another, each when its mirror knows of the one before. */
const rolling: Scenario = {
  inTurn: true,
  prepare: () => Promise.resolve(),
  async run(stage) {
    const outcomes: Outcome[] = [];
    for (const node of stage.lab.nodes) {
      if (outcomes.length > 0) await untilKnown(node, stage);
      outcomes.push(await pullOn(node, stage.image));
    }
    return outcomes;
  },
};

/** Each node's pull begins when its mirror's process does: nobody is ready yet. */
const boot: Scenario = {
  launches: true,
  prepare: () => Promise.resolve(),
  run: ({ lab, image, launch }) =>
    Promise.all(lab.nodes.map(async (node) => {
      await launch(node);
      return await pullOn(node, image);
    })),
};

/** The names of the scenarios. */
export type ScenarioName = "cold" | "seeded" | "rolling" | "boot";

/** All scenarios by name. */
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  cold,
  seeded,
  rolling,
  boot,
};
