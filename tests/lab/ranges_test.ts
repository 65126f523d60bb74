/** containerd's parallel ranges, which hang up early and must never see a 404. @module */
import assert from "node:assert/strict";
import {
  accessLines,
  assertHolds,
  onLab,
  startPeilis,
  withoutUpstream,
} from "./evidence.ts";
import { Lab } from "./lab.ts";

/** As in containerd's own documentation of the setting. */
const BUFFER_BYTES = 2 << 20;

async function pullsInRanges(lab: Lab): Promise<void> {
  const name = await lab.image("medium");
  const image = await lab.imageInfo("medium");
  const [holder, node] = [lab.node(1), lab.node(2)];
  await holder.pull(name);
  await withoutUpstream(lab, async () => {
    await node.pull(name);
    await assertHolds(node, image);
  });
  for (const { digest, size } of image.layers) {
    const lines = (await accessLines(node, digest))
      .filter(({ listener, method }) =>
        listener === "mirror" && method === "GET"
      );
    const parts = lines.filter(({ status }) => status === 206);
    assert.deepEqual(parts, lines, "every answer is a part");
    assert.ok(
      parts.length >= size / BUFFER_BYTES,
      `${parts.length} parts of ${digest}`,
    );
  }
}

Deno.test("Peili serves containerd's parallel ranges", async (t) => {
  const settings = { concurrentLayerFetchBuffer: BUFFER_BYTES };
  await using lab = await Lab.up({ nodes: 2, containerd: ["2.1"], settings });
  await startPeilis(lab);
  await onLab(t, lab, [
    "eight layers come in ranges, with the upstream cut",
    pullsInRanges,
  ]);
});
