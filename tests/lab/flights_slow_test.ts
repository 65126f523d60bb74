/** A node whose link gets slow in the middle of a flight: nobody else waits for it. @module */
import assert from "node:assert/strict";
import { awaitPeers, onLab, startPeilis } from "./evidence.ts";
import {
  assertOutcome,
  awaitBytes,
  awaitLeader,
  awaitMiddle,
  FLIGHT_FLAGS,
  fresh,
  ONE_COPY,
  onlyLayer,
  outcomeOf,
  pullOn,
  TWO_COPIES,
} from "./flying.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import { during } from "./misfortune.ts";
import type { Node } from "./node.ts";

/**
 * What the registry sends at, in Mbit/s: 100 MB take 8 s, so that a busy machine,
 * too, sees a quarter of it long before the end.
 */
const RATE_MBIT = 100;

/** What a slow node's link takes, each way: it would need 30 s for the rest. */
const SLOW_MBIT = 20;

const GETS_SLOW = {
  befall: (node: Node) => node.rate({ inMbit: SLOW_MBIT, outMbit: SLOW_MBIT }),
  undo: (node: Node) => node.rate({ inMbit: 0, outMbit: 0 }),
};

/** Who gets slow, and what it may cost: another must go upstream for a leader. */
const ROLES = {
  "leader": { find: awaitLeader, atMost: TWO_COPIES },
  "middle node": { find: awaitMiddle, atMost: ONE_COPY },
};

async function slowsOne(
  lab: Lab,
  role: keyof typeof ROLES,
): Promise<void> {
  const image = await fresh(lab, "b100x1");
  const { digest, size } = onlyLayer(image.info);
  const { find, atMost } = ROLES[role];
  await awaitPeers(lab);
  const outcome = await outcomeOf(lab, image.info.totalBytes, async () => {
    const pulls = pullOn(lab.nodes, image.name);
    const node = await find(lab.nodes, digest);
    await awaitBytes(node, digest, size / 4);
    await during(node, GETS_SLOW, async () => {
      const others = [...pulls].filter(([other]) => other !== node);
      await Promise.allSettled(others.map(([, pull]) => pull));
      assert.ok(!await node.hasBlob(digest), "the others did not wait for it");
    });
    return pulls;
  });
  await assertOutcome(outcome, {
    nodes: lab.nodes,
    images: [image.info],
    atMost,
    what: `the ${role}'s link gets slow`,
  });
}

Deno.test("a slow node holds nobody up", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: 5, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  await lab.upstream.rate({ outMbit: RATE_MBIT });
  for (const role of ["leader", "middle node"] as const) {
    await onLab(t, lab, [`a ${role} gets slow`, (lab) => slowsOne(lab, role)]);
  }
});
