/** A node that is lost in the middle of a flight: the others land all the same. @module */
import { awaitPeers, onLab, startPeilis } from "./evidence.ts";
import {
  assertOutcome,
  awaitBytes,
  awaitLeader,
  awaitMiddle,
  FLIGHT_FLAGS,
  fresh,
  homeOf,
  onlyLayer,
  outcomeOf,
  pullOn,
  TWO_COPIES,
} from "./flying.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import { during, type Misfortune, MISFORTUNES } from "./misfortune.ts";
import type { Node } from "./node.ts";

/**
 * What the registry sends at, in Mbit/s: 100 MB take 3 s, time to break a pull
 * off in its middle.
 */
const RATE_MBIT = 250;

/** What befalls a node. */
const LOSSES: Readonly<Record<string, Misfortune>> = {
  "containerd is killed": {
    befall: (node) => node.containerd.kill("SIGKILL"),
    undo: (node) => node.containerd.start(),
  },
  "Peili is killed": {
    ...MISFORTUNES["is killed"],
    undo: (node) => node.startPeili(FLIGHT_FLAGS),
  },
  "Peili is frozen": MISFORTUNES["is frozen"],
  "network is cut": MISFORTUNES["loses its network"],
};

/** Nothing is asked of what a dead containerd was pulling. */
const FAILS_ITS_PULL = "containerd is killed";

/** Who is lost. */
const ROLES: Readonly<
  Record<string, (lab: Lab, digest: string) => Promise<Node>>
> = {
  leader: (lab, digest) => awaitLeader(lab.nodes, digest),
  "middle node": (lab, digest) => awaitMiddle(lab.nodes, digest),
  home: (lab, digest) => Promise.resolve(homeOf(lab, digest)),
};

async function losesOne(
  lab: Lab,
  [role, loss]: [role: string, loss: string],
): Promise<void> {
  const image = await fresh(lab, "b100x1");
  const { digest, size } = onlyLayer(image.info);
  const misfortune = LOSSES[loss] ?? never(loss);
  const find = ROLES[role] ?? never(role);
  await awaitPeers(lab);
  const lost: Node[] = [];
  const outcome = await outcomeOf(lab, image.info.totalBytes, async () => {
    const pulls = pullOn(lab.nodes, image.name);
    const node = await find(lab, digest);
    lost.push(node);
    await awaitBytes(node, digest, size / 2);
    await during(node, misfortune, async () => {
      const others = [...pulls].filter(([other]) => other !== node);
      await Promise.allSettled(others.map(([, pull]) => pull));
    });
    return pulls;
  });
  await assertOutcome(outcome, {
    nodes: lab.nodes,
    images: [image.info],
    mayFail: loss === FAILS_ITS_PULL ? lost : [],
    atMost: TWO_COPIES,
    what: `the ${role}'s ${loss}`,
  });
}

function never(name: string): never {
  throw new Error(`Cannot lose ${name}`);
}

Deno.test("a flight outlives the loss of a node", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: 4, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  await lab.upstream.rate({ outMbit: RATE_MBIT });
  for (const role of Object.keys(ROLES)) {
    for (const loss of Object.keys(LOSSES)) {
      // A frozen one answers nobody, as one without a network: once is enough.
      if (loss === "Peili is frozen" && role !== "leader") continue;
      await onLab(t, lab, [
        `the ${role}'s ${loss}: the others' pulls succeed`,
        (lab) => losesOne(lab, [role, loss]),
      ]);
    }
  }
});
