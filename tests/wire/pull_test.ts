/**
 * The spec's pull, at each listener: a node's own content, and another node's.
 *
 * @module
 */

import { memoryNetwork } from "../../src/routing/memory.ts";
import { filledMemory } from "../content/filled_memory.ts";
import { pullSuite } from "../suites/pull_suite.ts";
import { type FlyingNode, startFlyingNode } from "./flying_nodes.ts";

/** Nobody leads here, so nobody is sent to it. */
const NO_REGISTRY = { url: "http://127.0.0.1:9" };

for (const listener of ["mirror", "peer"] as const) {
  pullSuite(`the ${listener} listener over memoryStore()`, (content) => {
    const store = filledMemory(content);
    const node = startFlyingNode(memoryNetwork(), "a", NO_REGISTRY, store);
    return Promise.resolve(served(node[listener], [node]));
  });
}

pullSuite("the mirror listener over another node", async (content) => {
  const network = memoryNetwork();
  const store = filledMemory(content);
  const holder = startFlyingNode(network, "a", NO_REGISTRY, store);
  const node = startFlyingNode(network, "b", NO_REGISTRY);
  await holder.router.advertise([
    ...[...content.blobs, ...content.manifests].map(({ digest }) => digest),
    ...content.tags.map(({ name }) => name),
  ]);
  return served(node.mirror, [node, holder]);
});

function served(address: string, nodes: readonly FlyingNode[]) {
  return {
    url: `http://${address}`,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}
