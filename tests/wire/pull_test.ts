/**
 * The spec's pull, at each listener of nodes with layouts: a node's own content,
 * and another node's.
 *
 * @module
 */

import type { Content } from "../suites/content.ts";
import { eventually } from "../suites/eventually.ts";
import { pullSuite, type ServedRegistry } from "../suites/pull_suite.ts";
import { layoutNodes } from "./layout_nodes.ts";

/** Nobody leads here, so nobody is sent to it. */
const NO_REGISTRY = { url: "http://127.0.0.1:9" };

/** Nodes, of which the first has the content, and the one that is asked. */
interface Place {
  readonly name: string;
  readonly nodes: number;
  readonly listener: "mirrorAddress" | "peerAddress";
}

const PLACES: readonly Place[] = [
  { name: "the mirror listener", nodes: 1, listener: "mirrorAddress" },
  { name: "the peer listener", nodes: 1, listener: "peerAddress" },
  { name: "another node's mirror", nodes: 2, listener: "mirrorAddress" },
];

for (const { name, nodes, listener } of PLACES) {
  pullSuite(`${name} over a layout`, async (content) => {
    await using parts = new AsyncDisposableStack();
    const all = parts.use(await layoutNodes(nodes, NO_REGISTRY));
    await all[0]?.folder.fill(content);
    const url = `http://${all.at(-1)?.node[listener]}`;
    await eventually("all is listed", () => servesAll(url, content));
    const served = parts.move();
    return {
      url,
      [Symbol.asyncDispose]: () => served.disposeAsync(),
    } satisfies ServedRegistry;
  });
}

async function servesAll(url: string, content: Content): Promise<boolean> {
  const paths = [
    ...content.blobs.map(({ digest }) => `any/blobs/${digest}`),
    ...content.manifests.map(({ digest }) => `any/manifests/${digest}`),
    ...content.tags.map(({ name }) => {
      const [path = "", tag = ""] = name.split(/:(?=[^:]*$)/);
      return `${path}/manifests/${tag}`;
    }),
  ];
  for (const path of paths) {
    const answer = await fetch(`${url}/v2/${path}`, { method: "HEAD" });
    if (answer.status !== 200) return false;
  }
  return true;
}
