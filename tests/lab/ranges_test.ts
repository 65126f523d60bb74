/** containerd's parallel ranges, which hang up early and must never see a 404. @module */
import assert from "node:assert/strict";
import {
  accessLines,
  assertHolds,
  awaitPeers,
  onLab,
  SOON_MS,
  startPeilis,
  withoutUpstream,
} from "./evidence.ts";
import { versionsHere } from "./here.ts";
import type { ImageInfo } from "./images.ts";
import { Lab } from "./lab.ts";
import { breakOff, MISFORTUNES } from "./misfortune.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** As in containerd's own documentation of the setting. */
const BUFFER_BYTES = 2 << 20;

/** Checks that a node's layers came in parts, and that no peer was blamed. */
async function assertRanges(node: Node, image: ImageInfo): Promise<void> {
  await assertHolds(node, image);
  await waitFor(
    `${node.name}'s streams to end`,
    async () => await node.metric('peili_streams{listener="mirror"}') === 0,
    { budgetMs: SOON_MS, log: node.peiliLog },
  );
  for (const { digest, size } of image.layers) {
    const lines = (await accessLines(node, digest))
      .filter(({ listener, method }) =>
        listener === "mirror" && method === "GET"
      );
    const parts = lines.filter(({ status }) => status === 206);
    assert.deepEqual(parts, lines, "every answer is a part");
    const chunks = Math.ceil(size / BUFFER_BYTES);
    assert.ok(parts.length >= chunks, `${parts.length} parts of ${digest}`);
  }
  const blamed = (await node.peiliLogs())
    .filter(({ msg }) => msg === "peer failed in mid-body");
  assert.deepEqual(blamed, []);
}

async function pullsInRanges(lab: Lab): Promise<void> {
  const name = await lab.image("medium");
  const image = await lab.imageInfo("medium");
  const [holder, ...others] = lab.nodes;
  await holder?.pull(name);
  await withoutUpstream(lab, async () => {
    for (const node of others) {
      await node.pull(name);
      await assertRanges(node, image);
    }
  });
}

/** A chunk that is refused would fail the pull: the other holder must give it. */
async function goesOnInRanges(lab: Lab): Promise<void> {
  const killed = MISFORTUNES["is killed"];
  for (const node of [lab.node(1), lab.node(2)]) { // one of each version
    const seed = `ranges-${node.number}`;
    const name = await lab.image("b100x1", seed);
    const others = lab.nodes.filter((other) => other !== node);
    await Promise.all(others.map((other) => other.pull(name)));
    await awaitPeers(lab);
    await withoutUpstream(lab, async () => {
      await breakOff(lab, [node, name], killed);
      await assertHolds(node, await lab.imageInfo("b100x1", seed));
    });
  }
}

Deno.test("Peili serves containerd's parallel ranges", async (t) => {
  const settings = { concurrentLayerFetchBuffer: BUFFER_BYTES };
  const containerd = (await versionsHere())
    .filter((version) => version.startsWith("2."));
  const nodes = 3; // the last is of the first one's version
  await using lab = await Lab.up({ nodes, containerd, settings });
  await startPeilis(lab);
  await onLab(t, lab, [
    "eight layers come in ranges, with the upstream cut",
    pullsInRanges,
  ]);
  await onLab(t, lab, [
    "the holder that sends is killed: the other gives the remaining ranges",
    goesOnInRanges,
  ]);
});
