/** What can happen to a node that others pull from, also in the middle of it. @module */
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** How long content may take to begin to flow, and a part of it to be there. */
const FLOW_MS = 30_000;

/**
 * What the receiver of a pull that is broken off gets at, in Mbit/s: 95 MiB
 * take 2 s, which leaves time for breaking it off.
 */
const RATE_MBIT = 400;

/** The pull is broken off when so much of it has flowed. */
export const FLOWED_BYTES: number = 16 << 20;

/** What happens to a peer, and how it is undone. */
export interface Misfortune {
  befall(node: Node): Promise<void> | void;
  undo(node: Node): Promise<void> | void;
}

/** Everything that is tried. */
export const MISFORTUNES: Readonly<
  Record<"is killed" | "is frozen" | "loses its network", Misfortune>
> = {
  "is killed": {
    befall: (node) => node.peili.daemon.kill(),
    undo: (node) => node.startPeili(),
  },
  "is frozen": {
    befall: (node) => node.peili.daemon.signal("SIGSTOP"),
    undo: (node) => node.peili.daemon.signal("SIGCONT"),
  },
  "loses its network": {
    befall: (node) => node.cut(),
    undo: (node) => node.heal(),
  },
};

/** Lets something happen to a node while `run` runs. */
export async function during(
  node: Node,
  { befall, undo }: Misfortune,
  run: () => Promise<void>,
): Promise<void> {
  await befall(node);
  try {
    await run();
  } finally {
    await undo(node);
  }
}

/** Waits until one of the nodes has sent a good part, and gives it. */
async function awaitSender(
  lab: Lab,
  since: readonly number[],
): Promise<Node> {
  let sender: Node | undefined;
  await waitFor("content to flow between nodes", async () => {
    const { nodes } = await lab.bytes();
    const at = nodes.findIndex(({ tx }, i) =>
      tx - (since[i] ?? 0) > FLOWED_BYTES
    );
    sender = lab.nodes[at];
    return sender !== undefined;
  }, { budgetMs: FLOW_MS });
  if (!sender) throw new Error("Cannot find the node that sends");
  return sender;
}

/**
 * Pulls on a node at a capped rate, and lets something happen to whoever sends
 * to it. Gives who that was, when the pull has succeeded.
 */
export async function breakOff(
  lab: Lab,
  [node, image]: [node: Node, image: string],
  misfortune: Misfortune,
): Promise<Node> {
  const sent = (await lab.bytes()).nodes.map(({ tx }) => tx);
  await node.rate({ inMbit: RATE_MBIT });
  const pull = node.pull(image);
  pull.catch(() => {}); // told below, after what broke it off is undone
  const sender = await awaitSender(lab, sent);
  await during(sender, misfortune, async () => {
    await pull;
  });
  await node.rate({ inMbit: 0 });
  return sender;
}
