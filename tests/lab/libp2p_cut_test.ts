/** A node that is cut off from the others, and healed without a restart. @module */
import { foundByRouters } from "./discovery.ts";
import {
  assertHolds,
  awaitPeers,
  onLab,
  peersOf,
  SETTLE_MS,
  startPeilis,
  statuses,
  withoutUpstream,
} from "./evidence.ts";
import { FLIGHT_FLAGS, type Fresh, fresh } from "./flying.ts";
import { print } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

const NODES = 5;

/** Within this time of the heal, content must be found again. */
const HEALED_MS = 15_000;

/** Waits until nodes can or cannot give all of an image that others have. */
async function awaitFound(
  lab: Lab,
  nodes: readonly Node[],
  { image: { info }, found, budgetMs }: {
    image: Fresh;
    found: boolean;
    budgetMs: number;
  },
): Promise<void> {
  const ask = { listener: "mirror", ns: lab.upstream.registry } as const;
  await Promise.all(nodes.map(async (node) => {
    const what = `${node.name} to find ${found ? "all" : "nothing"}`;
    await waitFor(what, async () => {
      const seen = await statuses(node, info, ask);
      return seen.every((status) => (status === 200) === found);
    }, { budgetMs, log: node.peiliLog });
  }));
}

/**
 * Waits until both sides hold each other for dead, and links and records with
 * them, some 10 s after the cut. From then on both try to reach the other again,
 * at the same pace for 10 min: after 60 s of it content was found no later.
 */
async function awaitParted(
  node: Node,
  others: readonly Node[],
): Promise<void> {
  const without = async (one: Node, gone: readonly Node[]) => {
    await waitFor(`${one.name} to miss ${gone.length} peers`, async () => {
      const there = await peersOf(one);
      return gone.every(({ peerAddress }) => !there.has(peerAddress));
    }, { budgetMs: SETTLE_MS, log: one.peiliLog });
  };
  await Promise.all([
    without(node, others),
    ...others.map((other) => without(other, [node])),
  ]);
}

/** What only it has, and what came to another meanwhile, is found after it. */
async function isFoundAgain(lab: Lab): Promise<void> {
  const [apart, ...others] = lab.nodes;
  const [other] = others;
  if (!apart || !other) throw new Error("Cannot cut off one of one");
  const theirs = await fresh(lab, "small");
  const own = await fresh(lab, "small");
  await apart.pull(own.name);
  await awaitFound(lab, others, {
    image: own,
    found: true,
    budgetMs: SETTLE_MS,
  });

  const cutAt = performance.now();
  await apart.cut();
  await awaitParted(apart, others);
  await other.pull(theirs.name);
  const gone = { found: false, budgetMs: SETTLE_MS };
  await awaitFound(lab, others, { image: own, ...gone });
  await awaitFound(lab, [apart], { image: theirs, ...gone });

  await apart.heal();
  const healedAt = performance.now();
  const again = { found: true, budgetMs: HEALED_MS };
  const tell = async (what: string) => {
    const ms = performance.now() - healedAt;
    await print(`${what} after ${(ms / 1000).toFixed(1)} s`);
  };
  await Promise.all([
    awaitFound(lab, others, { image: own, ...again })
      .then(() => tell("the others found its content")),
    awaitFound(lab, [apart], { image: theirs, ...again })
      .then(() => tell("it found theirs")),
  ]);
  await print(`it was cut off for ${((healedAt - cutAt) / 1000).toFixed(1)} s`);
  await awaitPeers(lab);
  await withoutUpstream(lab, async () => {
    await Promise.all(others.map((node) => node.pull(own.name)));
    await apart.pull(theirs.name);
  });
  for (const node of others) await assertHolds(node, own.info);
  await assertHolds(apart, theirs.info);
}

Deno.test("a node that was cut off is found again over libp2p, and finds the others", async (t) => {
  await using lab = await Lab.up({ nodes: NODES });
  await startPeilis(lab, {
    ...FLIGHT_FLAGS,
    ...foundByRouters([lab.node(1)]),
  });
  await onLab(t, lab, ["its network comes back", isFoundAgain]);
});
