/**
 * Nodes with layouts as their stores, over real sockets: what one has, all have,
 * and what nobody has comes from the registry once.
 *
 * @module
 */

import assert from "node:assert/strict";
import { folderIngests } from "../../src/content/ingests.ts";
import { NO_LOG } from "../../src/log.ts";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { image, putAll } from "../layout/layout_images.ts";
import { REF_NAME } from "../layout/layout_folder.ts";
import { LARGE } from "../suites/content.ts";
import { eventually } from "../suites/eventually.ts";
import {
  imageRegistry,
  type LayoutNode,
  layoutNodes,
  NAME,
  pullImage,
} from "./layout_nodes.ts";

const IMAGE = image(1, LARGE.bytes);
const { layer, manifest, pieces } = IMAGE;
const SIZE = layer.bytes.length;
const MIB = 1 << 20;
assert.ok(SIZE > CHECKED_MAX_BYTES, "small content is never half there");

/** Whether all of the image is in a node's folder, byte by byte. */
async function isComplete({ folder }: LayoutNode): Promise<boolean> {
  for (const { digest, bytes } of pieces) {
    const there = await Deno.readFile(folder.pathOf(digest));
    assert.deepEqual(there, bytes);
  }
  const { manifests } = await folder.index();
  return manifests.some(({ digest, annotations }) =>
    digest === manifest.digest && annotations?.[REF_NAME] === NAME
  );
}

/** Whether a node's answers for the image came from another node. */
function cameFromPeers({ log }: LayoutNode): boolean {
  const lines = log.lines.filter(({ listener, method, registry }) =>
    listener === "mirror" && method === "GET" && registry
  );
  return lines.length > 0 &&
    lines.every(({ source }) => String(source).startsWith("127.0.0.1:"));
}

Deno.test("a folder that a tool fills is served to nodes that have nothing", async () => {
  await using registry = imageRegistry(IMAGE);
  await using nodes = await layoutNodes(3, registry);
  const [seed, one, two] = nodes;
  assert.ok(seed && one && two);
  await putAll(seed.folder, pieces);
  await seed.folder.refer(manifest, { [REF_NAME]: NAME });
  await Promise.all([one, two].map((node) => pullImage(node, registry, IMAGE)));
  assert.deepEqual(registry.requests, []);
  for (const node of [one, two]) {
    assert.ok(await isComplete(node));
    assert.ok(cameFromPeers(node));
  }
});

Deno.test("nodes that pull what nobody has cost the registry one download", async () => {
  await using registry = imageRegistry(IMAGE);
  await using nodes = await layoutNodes(3, registry);
  const pulls = Promise.all(
    nodes.map((node) => pullImage(node, registry, IMAGE)),
  );
  pulls.catch(() => {/* it is awaited below */});
  const offsetOf = async ({ folder }: LayoutNode) => {
    const { find } = folderIngests({
      contentPath: folder.path,
      takesPart: () => false,
      filter: { restricts: false },
      log: NO_LOG,
    });
    return (await find(layer.digest))?.offset;
  };
  const haveAll = async (offset: number) => {
    const offsets = await Promise.all(nodes.map(offsetOf));
    return offsets.every((one) => one === offset);
  };
  await eventually("all have begun", () => haveAll(0));
  const asked = () =>
    registry.requests.filter((request) => request.startsWith(layer.digest));
  await eventually("one of them asks the registry", () => asked().length > 0);
  registry.pour(MIB);
  await eventually("all have the first MiB", () => haveAll(MIB));
  registry.pour(SIZE);
  await pulls;
  for (const node of nodes) assert.ok(await isComplete(node));
  assert.ok(new Set(asked()).has(`${layer.digest} 0`));
  // A home that is late, on a machine that is busy, costs a download: no more.
  const late = nodes.flatMap(({ log }) => log.lines)
    .filter(({ msg }) => msg === "home does not answer");
  assert.ok(asked().length <= 1 + late.length, asked().join());
});

Deno.test("a node that joins when the registry is gone gets the image from the others", async () => {
  const registry = imageRegistry(IMAGE);
  registry.pour(SIZE);
  await using nodes = await layoutNodes(3, registry);
  const [first, second, late] = nodes;
  assert.ok(first && second && late);
  await Promise.all(
    [first, second].map((node) => pullImage(node, registry, IMAGE)),
  );
  await registry[Symbol.asyncDispose]();
  await pullImage(late, registry, IMAGE);
  assert.ok(await isComplete(late));
  assert.ok(cameFromPeers(late));
});
