/** Every containerd shares with every other, and what a node has is what it shares. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { writeArchive } from "./archive.ts";
import {
  assertHolds,
  awaitLine,
  awaitStatuses,
  digestsOf,
  onLab,
  SETTLE_MS,
  startPeilis,
  statuses,
  withoutUpstream,
} from "./evidence.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** Checks that a node's pull went through its mirror to another node's Peili. */
async function assertFromPeer(
  lab: Lab,
  node: Node,
  digests: readonly string[],
): Promise<void> {
  for (const digest of digests) {
    const asked = await awaitLine(
      node,
      digest,
      ({ listener, method, status }) =>
        listener === "mirror" && method === "GET" && status === 200,
    );
    assert.equal(asked.handler, "mirror");
    const peer = lab.nodes.find(({ peerAddress }) =>
      peerAddress === asked.source
    );
    assert.ok(peer && peer !== node, `the source was ${asked.source}`);
    const served = await awaitLine(
      peer,
      digest,
      ({ listener, ip, method }) =>
        listener === "peer" && ip === node.ip && method === "GET",
    );
    assert.equal(served.source, "local");
    assert.ok(["blob", "manifest"].includes(served.handler), served.handler);
  }
}

async function sharesWithAll(lab: Lab): Promise<void> {
  const image = await lab.image("small");
  const byTag = await lab.imageInfo("small");
  await lab.image("small", "digest");
  const byDigest = await lab.imageInfo("small", "digest");
  const { registry } = lab.upstream;
  const digestName = `${registry}/${byDigest.repository}@${byDigest.digest}`;
  const [first, ...others] = lab.nodes;
  await first?.pull(image);
  await first?.pull(digestName);
  await withoutUpstream(lab, async () => {
    for (const node of others) {
      await node.pull(image);
      await assertHolds(node, byTag);
      await node.pull(digestName);
      await assertHolds(node, byDigest);
    }
  });
  for (const node of others) {
    for (const { manifests: [manifest] } of [byTag, byDigest]) {
      const layers = manifest?.layers.map(({ digest }) => digest) ?? [];
      await assertFromPeer(lab, node, [manifest?.digest ?? "", ...layers]);
    }
  }
}

/** Each node gives to the next, so that every version gives and takes. */
async function sharesFromAll(lab: Lab): Promise<void> {
  const seeds = lab.nodes.map(({ number }) => `given-by-${number}`);
  const images = await Promise.all(
    seeds.map((seed) => lab.image("pause", seed)),
  );
  const pull = (shift: number) =>
    Promise.all(
      lab.nodes.map((node, i) =>
        node.pull(images[(i + shift) % images.length] ?? "")
      ),
    );
  await pull(0);
  await withoutUpstream(lab, async () => {
    await pull(1);
  });
  for (const [i, node] of lab.nodes.entries()) {
    const seed = seeds[(i + 1) % seeds.length];
    await assertHolds(node, await lab.imageInfo("pause", seed));
  }
}

async function sharesImports(lab: Lab): Promise<void> {
  const image = await lab.imageInfo("small", "imported");
  const path = join(lab.folder.path, "imported.tar");
  const other = "registry.example.com";
  const mirror = '[host."http://127.0.0.1:30020"]\n';
  const [first, ...others] = lab.nodes;
  if (!first) return;
  for (const registry of [lab.upstream.registry, other]) {
    const name = `${registry}/lab/imported:v1`;
    await writeArchive(path, image, name);
    await first.importArchive(path);
    assert.ok((await first.images()).includes(name));
  }
  const labels = await first.ctr(["content", "list"]);
  const line = labels.split("\n").find((row) => row.includes(image.digest));
  assert.ok(line, "the import is not in containerd's content");
  assert.ok(!line.includes("distribution.source"), line);
  await withoutUpstream(lab, async () => {
    for (const [i, node] of others.entries()) {
      const registry = i % 2 === 0 ? lab.upstream.registry : other;
      await node.writeHosts(mirror, other);
      await node.pull(`${registry}/lab/imported:v1`);
      await assertHolds(node, image);
    }
  });
}

/** Restarts in turn by order and by force: every second node's is killed. */
async function restartContainerd(node: Node): Promise<void> {
  if (node.number % 2 === 1) return await node.containerd.restart();
  await node.containerd.kill("SIGKILL");
  await node.containerd.start();
}

async function outlivesContainerd(lab: Lab): Promise<void> {
  const pids = lab.nodes.map(({ peili }) => peili.pid);
  await Promise.all(lab.nodes.map(async (node) => {
    const seed = `restart-${node.number}`;
    await node.pull(await lab.image("pause", seed));
    await restartContainerd(node);
    const image = await lab.imageInfo("pause", seed);
    await awaitStatuses(lab, node, [image, 200]);
    await seesNewContent(lab, node);
  }));
  assert.deepEqual(lab.nodes.map(({ peili }) => peili.pid), pids);
  assert.ok(lab.nodes.every(({ peili }) => peili.daemon.alive()));
  await lab.cutUpstream();
  for (const [i, node] of lab.nodes.entries()) {
    const giver = (i + 1) % lab.nodes.length + 1;
    const { registry } = lab.upstream;
    await node.pull(`${registry}/lab/pause-restart-${giver}:v1`);
  }
}

/** After a restart the watcher must be at it again: the count grows. */
async function seesNewContent(lab: Lab, node: Node): Promise<void> {
  const series = 'peili_content{kind="tag"}';
  const before = await node.metric(series);
  await node.pull(await lab.image("pause", `after-restart-${node.number}`));
  await waitFor(
    `${node.name} to count its new tag`,
    async () => await node.metric(series) > before,
    { budgetMs: SETTLE_MS, log: node.peiliLog },
  );
}

async function keepsNamespacesApart(lab: Lab): Promise<void> {
  const { registry: ns } = lab.upstream;
  const namespace = "private";
  await Promise.all(lab.nodes.map(async (node) => {
    const pulledSeed = `private-pull-${node.number}`;
    const pulledName = await lab.image("pause", pulledSeed);
    const pulled = await lab.imageInfo("pause", pulledSeed);
    const imported = await lab.imageInfo(
      "pause",
      `private-import-${node.number}`,
    );
    const archive = join(node.path, "private.tar");
    const importedName = `${ns}/${imported.repository}:v1`;
    await writeArchive(archive, imported, importedName);
    await node.fetchAll(pulledName, { namespace });
    await node.importArchive(archive, { namespace });
    for (const image of [pulled, imported]) {
      await assertHolds(node, image); // on its disk, and yet
      for (const listener of ["peer", "mirror"] as const) {
        const seen = await statuses(node, image, { listener, ns });
        assert.ok(
          seen.every((status) => status === 404),
          `${listener} ${seen}`,
        );
      }
    }
    await node.pull(pulledName);
    await awaitStatuses(lab, node, [pulled, 200]);
    const seen = await statuses(node, imported, { listener: "peer", ns });
    assert.ok(seen.every((status) => status === 404), `${seen}`);
  }));
}

/** Waits until Peili counts as much content as containerd lists, and gives it. */
async function awaitCount(node: Node): Promise<number> {
  let listed = 0;
  await waitFor(`${node.name} to count what is there`, async () => {
    const text = await node.ctr(["content", "list", "--quiet"]);
    listed = text.split("\n").filter(Boolean).length;
    return await node.metric('peili_content{kind="digest"}') === listed;
  }, { budgetMs: SETTLE_MS, log: node.peiliLog });
  return listed;
}

async function forgetsWhatIsCollected(lab: Lab): Promise<void> {
  await Promise.all(lab.nodes.map(async (node) => {
    const seed = `removed-${node.number}`;
    const { pid } = node.peili;
    const name = await lab.image("pause", seed);
    const image = await lab.imageInfo("pause", seed);
    await node.pull(name);
    await awaitStatuses(lab, node, [image, 200]);
    const before = await awaitCount(node);
    await node.removeImage(name);
    await awaitStatuses(lab, node, [image, 404]);
    const after = await awaitCount(node);
    assert.equal(before - after, digestsOf(image).length);
    assert.equal(node.peili.pid, pid);
    assert.ok(node.peili.daemon.alive());
  }));
}

Deno.test("Peili shares between containerds of all versions", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: containerd.length, containerd });
  await startPeilis(lab);
  await onLab(t, lab, [
    "a node's image reaches all others by tag and by digest, with the upstream cut",
    sharesWithAll,
  ]);
  await onLab(t, lab, ["every version gives to the next", sharesFromAll]);
  await onLab(t, lab, [
    "an imported archive reaches all others under its name",
    sharesImports,
  ]);
  await onLab(t, lab, [
    "content of another containerd namespace is not served",
    keepsNamespacesApart,
  ]);
  await onLab(t, lab, [
    "a removed image is no longer served once it is collected",
    forgetsWhatIsCollected,
  ]);
  await onLab(t, lab, [
    "content is served again after containerd's restart and its SIGKILL",
    outlivesContainerd,
  ]);
});
