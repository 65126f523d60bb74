/** Whether a pull goes through Peili. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { writeArchive } from "./archive.ts";
import { awaitLine, upstreamSince } from "./evidence.ts";
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";

/** A pull that does not go through Peili fails at once: nobody else has it. */
export const PULL_MS: number = 20_000;

/** Pulls an image that only `holder` has; tells whether Peili was asked. */
export async function goesThrough(
  lab: Lab,
  { holder, node, name }: { holder: Node; node: Node; name: string },
): Promise<boolean> {
  const image = await lab.imageInfo("pause", name);
  const full = `${lab.upstream.registry}/${image.repository}:v1`;
  const path = join(holder.path, `${name}.tar`);
  await writeArchive(path, image, full);
  await holder.importArchive(path);
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
