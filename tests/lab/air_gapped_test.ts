/**
 * The first Peili of a cluster that reaches no registry: docs/air-gapped.md, step
 * by step. No registry runs here at all.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { writeArchive } from "./archive.ts";
import { runCommand } from "./command.ts";
import { changeHosts } from "./configure.ts";
import { startDaemon } from "./daemon.ts";
import { assertHolds, awaitLine, awaitPeers } from "./evidence.ts";
import type { ImageInfo } from "./images.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import {
  type ImageArchives,
  imageArchives,
  PAUSE_IMAGE,
  PEILI_IMAGE,
} from "./peili_image.ts";
import { PEER_PORT, peiliScript } from "./peili_command.ts";
import {
  HOST_PORT,
  NODE_PORT,
  SECRET,
  startPeiliPod,
  TARGETS,
} from "./peili_pod.ts";

const APP = "registry.example/lab/app:v1";
const OTHER = "registry.example/lab/other:v1";

/** Where the seed answers the containerds of nodes. */
const SEED_PORT = 5000;

/** What cloud-init does: runs the script that `configure --print` gives. */
async function runUserData(node: Node, targets: string): Promise<void> {
  const args = ["--print", "--mirror-targets", targets];
  const script = await changeHosts(node, "configure", { args });
  await node.exec(["sh"], { stdin: script });
}

/** What kube-proxy does for a NodePort whose only endpoint is on `to`. */
async function nodePort(node: Node, to: Node): Promise<void> {
  const stdin = [
    "table ip nodeport {",
    "  chain output {",
    "    type nat hook output priority -100",
    `    ip daddr ${node.ip} tcp dport ${NODE_PORT} dnat to ${to.ip}:${HOST_PORT}`,
    "  }",
    "}\n",
  ].join("\n");
  await node.exec(["nft", "-f", "-"], { stdin });
}

function layerOf({ layers }: ImageInfo): string {
  return layers[0]?.digest ?? "";
}

async function importsOnOne(
  lab: Lab,
  [first, second]: [Node, Node],
  { archives, peers }: { archives: ImageArchives; peers: readonly string[] },
): Promise<AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const app = await lab.imageInfo("small", "air-gapped-app");
  const archive = join(first.path, "app.tar");
  await writeArchive(archive, app, APP);
  for (const path of [archives.pause, archives.peili, archive]) {
    await first.importArchive(path);
  }
  for (const node of [first, second]) await runUserData(node, TARGETS);
  parts.use(await startPeiliPod(first, peers));

  // It has nothing but what cloud-init has written, and it gets everything.
  assert.deepEqual(await second.images(), []);
  await nodePort(second, first);
  await second.pull(PEILI_IMAGE);
  parts.use(await startPeiliPod(second, peers));
  await awaitPeers(lab, [first, second]);
  await second.pull(APP);
  await assertHolds(second, app);
  const { source } = await awaitLine(
    second,
    layerOf(app),
    ({ listener }) => listener === "mirror",
  );
  assert.equal(source, first.peerAddress);
  const running = parts.move();
  return { [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** A folder with images, as `skopeo` puts them on a stick. */
async function fillFolder(
  folder: string,
  images: Readonly<Record<string, string>>,
): Promise<void> {
  const copy = ["skopeo", "--insecure-policy", "copy", "--preserve-digests"];
  for (const [name, from] of Object.entries(images)) {
    await runCommand([...copy, from, `oci:${folder}:${name}`]);
  }
}

/** Peili over a folder, on a machine that has no containerd. */
async function startSeed(
  { upstream, folder: lab }: Lab,
  folder: string,
  peers: readonly string[],
): Promise<void> {
  const secret = join(folder, "..", "secret");
  await Deno.writeTextFile(secret, SECRET);
  const { namespace } = upstream;
  const log = join(lab.path, "seed.log");
  const seed = await startDaemon(lab, {
    name: "the seed",
    namespace,
    log,
    argv: [
      ...[Deno.execPath(), "run", "--no-prompt", "--cached-only", "-P=run"],
      ...[`--allow-read=${folder},${secret}`, peiliScript(), "run"],
      ...[`--store=layout:${folder}`, `--secret-file=${secret}`],
      `--static-peers=${peers.join()}`,
    ],
  });
  await seed.until("to be ready", 20_000, async () => {
    return await upstream.httpStatus(`http://${upstream.ip}:9090/readyz`) ===
      200;
  });
}

async function takesFromFolder(
  lab: Lab,
  node: Node,
  { archives, peers }: { archives: ImageArchives; peers: readonly string[] },
): Promise<AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const other = await lab.imageInfo("small", "air-gapped-other");
  const folder = join(lab.folder.path, "stick/images");
  await Deno.mkdir(folder, { recursive: true });
  await fillFolder(folder, {
    [PEILI_IMAGE]: `oci-archive:${archives.peili}`,
    [PAUSE_IMAGE]: `oci-archive:${archives.pause}`,
    [OTHER]: `oci:${other.layout}:v1`,
  });
  await startSeed(lab, folder, peers);
  const seed = `http://${lab.upstream.ip}:${SEED_PORT}`;
  await runUserData(node, `${TARGETS},${seed}`);

  assert.deepEqual(await node.images(), []);
  await node.pull(PEILI_IMAGE);
  parts.use(await startPeiliPod(node, peers));
  await node.pull(OTHER);
  await assertHolds(node, other);
  const { source } = await awaitLine(
    node,
    layerOf(other),
    ({ listener }) => listener === "mirror",
  );
  assert.equal(source, `${lab.upstream.ip}:${PEER_PORT}`);
  const running = parts.move();
  return { [Symbol.asyncDispose]: () => running.disposeAsync() };
}

Deno.test("a cluster without any registry gets Peili and all else from one place", async (t) => {
  await using lab = await Lab.up({
    nodes: 3,
    containerd: ["2.1", "1.7", "2.1"],
    settings: { sandboxImage: PAUSE_IMAGE },
  });
  const archives = await imageArchives(lab.folder);
  await lab.upstream.stop();
  const [first, second, third] = lab.nodes as [Node, Node, Node];
  const peers = [
    ...lab.nodes.map(({ peerAddress }) => peerAddress),
    `${lab.upstream.ip}:${PEER_PORT}`,
  ];
  await using running = new AsyncDisposableStack();
  await t.step("an archive is imported on one node", async () => {
    const nodes: [Node, Node] = [first, second];
    running.use(await importsOnOne(lab, nodes, { archives, peers }));
  });
  await t.step(
    "a folder is served by a machine without containerd",
    async () => {
      running.use(await takesFromFolder(lab, third, { archives, peers }));
    },
  );
});
