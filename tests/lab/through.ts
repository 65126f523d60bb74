/** Whether a pull goes through Peili. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { writeArchive } from "./archive.ts";
import { awaitLine, SETTLE_MS, statuses, upstreamSince } from "./evidence.ts";
import type { ImageInfo } from "./images.ts";
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** A pull that does not go through Peili fails at once: nobody else has it. */
export const PULL_MS: number = 20_000;

/** Who pulls what, and who alone has it. */
export interface Through {
  holder: Node;
  node: Node;
  /** Of an image that nobody has yet. */
  name: string;
  /** Waits until the node's Peili finds it: routers are told a moment later. */
  found?: boolean;
}

/** Pulls an image that only `holder` has; tells whether Peili was asked. */
export async function goesThrough(
  lab: Lab,
  { holder, node, name, found = false }: Through,
): Promise<boolean> {
  const image = await lab.imageInfo("pause", name);
  const full = `${lab.upstream.registry}/${image.repository}:v1`;
  const path = join(holder.path, `${name}.tar`);
  await writeArchive(path, image, full);
  await holder.importArchive(path);
  if (found) await awaitFound(lab, node, image);
  const since = await upstreamSince(lab);
  const pulled = await node.pull(full, { budgetMs: PULL_MS })
    .then(() => true, () => false);
  const [layer] = image.layers;
  const asked = await since.requests();
  if (!pulled || !layer) return false;
  if (asked.some(({ ip, uri }) => ip === node.ip && uri.includes("/blobs/"))) {
    return false;
  }
  const line = await awaitLine(
    node,
    layer.digest,
    ({ listener, method, status }) =>
      listener === "mirror" && method === "GET" && status === 200,
  );
  assert.equal(line.source, holder.peerAddress);
  return true;
}

async function awaitFound(
  lab: Lab,
  node: Node,
  image: ImageInfo,
): Promise<void> {
  const ns = lab.upstream.registry;
  const tag =
    `http://127.0.0.1:30020/v2/${image.repository}/manifests/v1?ns=${ns}`;
  await waitFor(`${node.name} to find ${image.repository}`, async () => {
    const seen = await statuses(node, image, { listener: "mirror", ns });
    return [...seen, await node.httpStatus(tag)].every((one) => one === 200);
  }, { budgetMs: SETTLE_MS, log: node.peiliLog });
}
