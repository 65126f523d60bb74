/** The spec's pull at both listeners of a node beside a real containerd. @module */
import { NO_LOG } from "../../src/log.ts";
import { type Node, startNode } from "../../src/node.ts";
import type { Content } from "../suites/content.ts";
import { pullSuite, type ServedRegistry } from "../suites/pull_suite.ts";
import { filledContainerd } from "./filled_containerd.ts";
import { versionsHere } from "./here.ts";
import type { Node as LabNode } from "./node.ts";
import type { ContainerdVersion } from "./versions.ts";
import { waitFor } from "./wait.ts";

/** How long a node may take to list what there is. */
const LIST_MS = 10_000;

const ANY_PORT = { hostname: "127.0.0.1", port: 0 };

/** The whole node, as `run` starts it, but in this process. */
async function startHere({ containerd }: LabNode): Promise<Node> {
  const node = await startNode({
    containerdSock: containerd.socket,
    containerdNamespace: "k8s.io",
    containerdContentPath: containerd.contentPath,
    containerdRegistryConfigPath: containerd.hostsPath,
    upstream: new Map(),
    network: "peili",
    secretFile: "",
    fanOut: 1,
    mirrorAddr: ANY_PORT,
    peerAddr: ANY_PORT,
    metricsAddr: ANY_PORT,
    staticPeers: [],
    mirroredRegistries: [],
    registryFilters: [],
    resolveTags: true,
    resolveLatestTag: true,
  }, NO_LOG);
  await waitFor("the node to be ready", () => {
    return Promise.resolve(node.ready().ready);
  }, { budgetMs: LIST_MS });
  return node;
}

async function serve(
  version: ContainerdVersion,
  listener: "mirrorAddress" | "peerAddress",
  content: Content,
): Promise<ServedRegistry> {
  await using parts = new AsyncDisposableStack();
  const filled = parts.use(await filledContainerd(version, content));
  const node = parts.use(await startHere(filled.node));
  const served = parts.move();
  return {
    url: `http://${node[listener]}`,
    [Symbol.asyncDispose]: () => served.disposeAsync(),
  };
}

for (const version of await versionsHere()) {
  for (const name of ["mirror", "peer"] as const) {
    pullSuite(
      `the ${name} listener over containerd ${version}`,
      (content) => serve(version, `${name}Address`, content),
    );
  }
}
