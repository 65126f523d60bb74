/** The lab itself: what it says it does, and that nothing of it stays. @module */
import assert from "node:assert/strict";
import { mountsBelow, namespacesOf } from "./cleanup.ts";
import { exists } from "./cache.ts";
import type { LabState } from "./folder.ts";
import { isAlive } from "./process.ts";
import { Lab } from "./lab.ts";
import { waitFor } from "./wait.ts";
import { versionsHere } from "./here.ts";

/** What a lab's state file named, after the lab is gone. */
async function assertNothingLeft(
  folder: string,
  state: LabState,
): Promise<void> {
  assert.deepEqual(state.processes.filter(isAlive), [], "processes");
  assert.deepEqual(await namespacesOf(state.prefix), [], "namespaces");
  assert.deepEqual(mountsBelow(folder), [], "mounts");
  assert.ok(!await exists(folder), "folder");
}

async function pullsFromTheRegistry(lab: Lab): Promise<void> {
  const image = await lab.image("small");
  const { layers, totalBytes } = await lab.imageInfo("small");
  const before = await lab.bytes();
  for (const node of lab.nodes) {
    const { ref } = await node.pull(image);
    assert.match(ref, /^sha256:/);
    assert.ok((await node.images()).includes(image));
    for (const { digest } of layers) assert.ok(await node.hasBlob(digest));
  }
  const after = await lab.bytes();
  const sent = after.registrySent - before.registrySent;
  assert.ok(sent > lab.nodes.length * totalBytes, `the registry sent ${sent}`);
  for (const [i, { rx }] of after.nodes.entries()) {
    assert.ok(rx > totalBytes, `node ${i + 1} received ${rx}`);
  }
  const gets = (await lab.upstream.requests())
    .filter(({ method, uri }) => method === "GET" && uri.includes("/blobs/"));
  assert.equal(gets.length, lab.nodes.length * (layers.length + 1));
}

async function cutsAndHeals(lab: Lab): Promise<void> {
  const image = await lab.image("small", "cut");
  await lab.cutUpstream();
  for (const node of lab.nodes) {
    await assert.rejects(node.pull(image), /connection refused/);
  }
  await lab.healUpstream();
  for (const node of lab.nodes) await node.pull(image);
}

async function cutsOneNode(lab: Lab): Promise<void> {
  const node = lab.node(1);
  const { url, ip } = lab.upstream;
  await node.refuse(ip, 5000);
  assert.equal(await node.httpStatus(`${url}/v2/`), 0);
  await node.heal();
  assert.equal(await node.httpStatus(`${url}/v2/`), 200);
  await node.cut(lab.upstream);
  assert.equal(await node.httpStatus(`${url}/v2/`, "-m", "1"), 0);
  assert.equal(await lab.node(2).httpStatus(`${url}/v2/`), 200);
  await node.heal();
  await node.loss(1);
  await node.rate({ inMbit: 100, outMbit: 100 });
  await node.pull(await lab.image("small", "slow"));
  await node.rate({ inMbit: 0, outMbit: 0 });
  await node.heal();
}

async function keepsContent(lab: Lab): Promise<void> {
  const image = await lab.image("small");
  const { layers: [layer] } = await lab.imageInfo("small");
  for (const { containerd } of lab.nodes) await containerd.restart();
  await lab.node(2).containerd.kill("SIGKILL");
  await lab.node(2).containerd.start();
  for (const node of lab.nodes) {
    assert.ok((await node.images()).includes(image));
    assert.ok(await node.hasBlob(layer?.digest ?? ""));
  }
}

async function pullsEveryKind(lab: Lab): Promise<void> {
  const { manifests } = await lab.imageInfo("multi");
  assert.equal(manifests.length, 2);
  await lab.node(1).pull(await lab.image("multi"));
  const artifact = await lab.image("artifact");
  const { digest } = await lab.imageInfo("artifact");
  const url = `${lab.upstream.url}/v2/lab/artifact/manifests/${digest}`;
  const accept = "Accept: application/vnd.oci.image.manifest.v1+json";
  assert.equal(await lab.node(1).httpStatus(url, "-H", accept), 200, artifact);
}

Deno.test("Lab pulls, cuts, heals, counts, restarts and leaves nothing", async (t) => {
  const containerd = await versionsHere();
  let left: [string, LabState];
  {
    await using lab = await Lab.up({ nodes: 4, containerd });
    left = [lab.folder.path, lab.folder.state];
    await t.step(
      "pulls from the registry, and counts",
      () => pullsFromTheRegistry(lab),
    );
    await t.step(
      "cutUpstream() fails a pull, healUpstream() mends it",
      () => cutsAndHeals(lab),
    );
    await t.step(
      "refuse(), cut(), loss() and rate() act on one node",
      () => cutsOneNode(lab),
    );
    await t.step("restart() and kill() keep content", () => keepsContent(lab));
    await t.step(
      "image() pushes indexes and artifacts",
      () => pullsEveryKind(lab),
    );
  }
  await assertNothingLeft(...left);
});

Deno.test("Lab.up() gives two labs side by side", async () => {
  const options = { nodes: 1, containerd: ["1.6"] } as const;
  await using one = await Lab.up(options);
  const left = await (async () => {
    await using two = await Lab.up(options);
    assert.notEqual(one.node(1).ip, two.node(1).ip);
    await two.node(1).pull(await two.image("pause"));
    return [two.folder.path, two.folder.state] as const;
  })();
  await assertNothingLeft(...left);
  await one.node(1).pull(await one.image("pause"));
});

Deno.test("Lab.up() removes what a killed process has left", async () => {
  const script = new URL("./orphan.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", script],
    stderr: "inherit",
  }).output();
  const state: LabState & { folder: string } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  await using _lab = await Lab.up({ nodes: 1, containerd: ["1.6"] });
  // Its caretaker may be at it too, and be the one that does the last step.
  await waitFor(state.folder, async () => !await exists(state.folder), {
    budgetMs: 5000,
  });
  await assertNothingLeft(state.folder, state);
});
