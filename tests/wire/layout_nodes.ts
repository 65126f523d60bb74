/**
 * Whole nodes whose stores are layouts, a registry that counts, and a puller that
 * does over HTTP what containerd does.
 *
 * @module
 */

import { memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { layoutWriter } from "../../src/layout/writer.ts";
import { listen } from "../../src/listen.ts";
import { NO_LOG } from "../../src/log.ts";
import { NO_METRICS } from "../../src/metrics/metrics.ts";
import { type Node, startNode } from "../../src/node.ts";
import {
  type Descriptor,
  descriptorFromHeaders,
} from "../../src/oci/descriptor.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed } from "../../src/registry/observe.ts";
import { type LayoutFolder, layoutFolder } from "../layout/layout_folder.ts";
import type { LayoutImage } from "../layout/layout_images.ts";
import { growingBytes } from "../mirror/fake_pulls.ts";
import { type RecordedLog, recordedLog } from "../recorded.ts";
import { REGISTRY, REPOSITORY } from "../suites/content.ts";
import { eventually } from "../suites/eventually.ts";

const LOOPBACK = "127.0.0.1";
const ANY = { hostname: LOOPBACK, port: 0 };

/** The image's name. */
export const NAME: string = `${REGISTRY}/${REPOSITORY}:v1`;

/** A registry with one image, whose layer comes when it is told to. */
export interface ImageRegistry extends AsyncDisposable {
  /** Its base URL. */
  readonly url: string;
  /** What was asked of it: `tag`, or a digest, with the first byte. */
  readonly requests: string[];
  /** Lets the layer's bytes flow up to here. */
  pour(upTo: number): void;
}

/** Starts a registry. */
export function imageRegistry(image: LayoutImage): ImageRegistry {
  const { layer, manifest, pieces } = image;
  const store = memoryStore();
  for (const { bytes } of pieces) store.put(bytes);
  store.tag(NAME, manifest.digest);
  const layerBytes = growingBytes(layer.bytes.length);
  const requests: string[] = [];
  const source: ContentSource = {
    resolve({ tag }, options) {
      requests.push("tag");
      return store.resolve({
        registry: REGISTRY,
        repository: REPOSITORY,
        tag,
      }, options);
    },
    stat: (request, options) => store.stat(request, options),
    async open(request, options) {
      const open = await store.open(request, options);
      const start = open?.range?.start ?? 0;
      requests.push(`${request.digest} ${start}`);
      if (!open || request.digest !== layer.digest) return open;
      await open.body.cancel();
      const body = layerBytes.read(start, layer.bytes.length - 1);
      return { ...open, body };
    },
  };
  const handler = observed("registry", registryHandler(source), {
    log: NO_LOG,
    metrics: NO_METRICS,
    freeChunks: false,
  });
  const listener = listen("--registry", ANY, handler);
  return {
    url: `http://${listener.address}`,
    requests,
    pour: (upTo) =>
      layerBytes.append(layer.bytes.subarray(layerBytes.offset, upTo)),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** A node and its folder. */
export interface LayoutNode extends AsyncDisposable {
  readonly node: Node;
  readonly folder: LayoutFolder;
  readonly log: RecordedLog;
}

/** Nodes; disposing of them stops all and removes their folders. */
type LayoutNodes = LayoutNode[] & AsyncDisposable;

/** Times that other ports are tried: another test may take one meanwhile. */
const MAX_TRIES = 5;

/** Starts nodes that know each other, and returns when all do. */
export async function layoutNodes(
  count: number,
  registry: Pick<ImageRegistry, "url">,
): Promise<LayoutNodes> {
  for (let tries = 1;; tries++) {
    try {
      return await startNodes(freePorts(count), registry);
    } catch (error) {
      const isTaken = /^Error: Cannot listen/.test(String(error));
      if (!isTaken || tries === MAX_TRIES) throw error;
    }
  }
}

async function startNodes(
  ports: readonly number[],
  registry: Pick<ImageRegistry, "url">,
): Promise<LayoutNodes> {
  await using parts = new AsyncDisposableStack();
  const staticPeers = ports.map((port) => `${LOOPBACK}:${port}`);
  const nodes: LayoutNode[] = [];
  for (const port of ports) {
    const folder = parts.use(await layoutFolder());
    const log = recordedLog();
    const node = parts.use(
      await startNode({
        store: { kind: "layout", path: folder.path },
        containerdSock: "/nonexistent/containerd.sock",
        containerdNamespace: "k8s.io",
        containerdContentPath: "/nonexistent/content",
        containerdRegistryConfigPath: "/nonexistent/certs.d",
        upstream: new Map([[REGISTRY, registry.url]]),
        network: "peili",
        secretFile: "",
        fanOut: 1,
        mirrorAddr: ANY,
        peerAddr: { hostname: LOOPBACK, port },
        metricsAddr: ANY,
        staticPeers,
        mirroredRegistries: [],
        registryFilters: [],
        resolveTags: true,
        resolveLatestTag: true,
      }, log),
    );
    const stop = () => node[Symbol.asyncDispose]();
    nodes.push({ node, folder, log, [Symbol.asyncDispose]: stop });
  }
  const knowsAll = ({ log }: LayoutNode) =>
    log.lines.filter(({ msg }) => msg === "peer is there").length ===
      ports.length;
  await eventually(
    "all are ready and know each other",
    () => nodes.every((one) => one.node.ready().ready && knowsAll(one)),
  );
  const running = parts.move();
  return Object.assign(nodes, {
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  });
}

/** Ports that nobody listens on, a moment ago. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen(ANY));
  return listeners.map((listener) => {
    listener.close();
    return (listener.addr as Deno.NetAddr).port;
  });
}

/** Pulls the image into the node's folder and gives it its name. */
export async function pullImage(
  { node, folder }: Pick<LayoutNode, "node" | "folder">,
  registry: ImageRegistry,
  { config, layer }: LayoutImage,
): Promise<void> {
  const ask = async (path: string, init: RequestInit) => {
    const named = `${path}?ns=${REGISTRY}`;
    const answer = await fetch(`http://${node.mirrorAddress}${named}`, init);
    if (answer.ok) return answer;
    await answer.body?.cancel();
    return await fetch(`${registry.url}${named}`, init);
  };
  const writer = layoutWriter(folder.path);

  async function pull(kind: "manifests" | "blobs", descriptor: Descriptor) {
    const { digest, size } = descriptor;
    const { signal } = new AbortController();
    await using ingest = await writer.ingest(descriptor, { signal });
    while (ingest.offset < size) {
      const range = `bytes=${ingest.offset}-`;
      const { body, ok } = await ask(`/v2/${REPOSITORY}/${kind}/${digest}`, {
        headers: ingest.offset > 0 ? { Range: range } : {},
      });
      if (!ok) throw new Error(`nobody has ${digest}`);
      try {
        for await (const chunk of body ?? []) await ingest.write(chunk);
      } catch {
        // It broke: go on where it ended.
      }
    }
    await ingest.commit();
  }

  const tag = `/v2/${REPOSITORY}/manifests/v1`;
  const manifest = descriptorFromHeaders(
    (await ask(tag, { method: "HEAD" })).headers,
  );
  if (!manifest) throw new Error("nobody has the tag");
  await pull("manifests", manifest);
  await pull("blobs", config.descriptor);
  await pull("blobs", layer.descriptor);
  await writer.tag(NAME, manifest);
}
