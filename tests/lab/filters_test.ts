/** What the operator's filters share, and what they leave to the registry. @module */
import assert from "node:assert/strict";
import {
  assertHolds,
  awaitStatuses,
  digestsOf,
  onLab,
  startPeilis,
  statuses,
  upstreamSince,
} from "./evidence.ts";
import type { ImageInfo } from "./images.ts";
import { Lab } from "./lab.ts";
import type { PeiliFlags } from "./peili_command.ts";

/** Every request that one pull of `pause` needs, in the order of a clean pull. */
const TAG = "HEAD tag";
const REST = ["GET manifest", "GET blob", "GET blob"];

/** Starts Peili anew on all nodes. */
async function restartPeili(lab: Lab, flags: PeiliFlags): Promise<void> {
  for (const node of lab.nodes) await node.stopPeili();
  await startPeilis(lab, flags);
}

/**
 * Node 1 pulls an image, then node 2: gives what the registry was asked by
 * node 2, in words.
 */
async function askedByTheSecond(
  lab: Lab,
  image: ImageInfo,
): Promise<string[]> {
  const name = await lab.upstream.push(image);
  await lab.node(1).pull(name);
  const since = await upstreamSince(lab);
  await lab.node(2).pull(name);
  await assertHolds(lab.node(2), image);
  return (await since.requests()).map(({ method, uri }) => {
    const isTag = uri.endsWith(`/manifests/${image.tag}`);
    const kind = uri.includes("/blobs/") ? "blob" : "manifest";
    return `${method} ${isTag ? "tag" : kind}`;
  });
}

/** Checks that node 1 serves nothing of an image on either listener. */
async function assertHidden(lab: Lab, image: ImageInfo): Promise<void> {
  const { registry: ns } = lab.upstream;
  for (const listener of ["peer", "mirror"] as const) {
    const seen = await statuses(lab.node(1), image, { listener, ns });
    assert.ok(seen.every((status) => status === 404), `${listener}: ${seen}`);
  }
  for (const key of digestsOf(image)) {
    const path = `/peili/v1/holds/${encodeURIComponent(key)}`;
    const url = `http://${lab.node(1).peerAddress}${path}`;
    assert.equal(await lab.node(2).httpStatus(url, "--head"), 404, key);
  }
}

async function filtersRepositories(lab: Lab): Promise<void> {
  await restartPeili(lab, { registryFilters: "lab/pause-secret,^nowhere/" });
  const secret = await lab.imageInfo("pause", "secret");
  assert.deepEqual(await askedByTheSecond(lab, secret), [TAG, ...REST]);
  await assertHidden(lab, secret);
  const open = await lab.imageInfo("pause", "open");
  assert.deepEqual(await askedByTheSecond(lab, open), []);
  await awaitStatuses(lab, lab.node(1), [open, 200]);
}

async function filtersTags(lab: Lab): Promise<void> {
  await restartPeili(lab, { registryFilters: ":v1$" });
  const image = await lab.imageInfo("pause", "filtered-tag");
  assert.deepEqual(await askedByTheSecond(lab, image), [TAG]);
  const other = { ...await lab.imageInfo("pause", "other-tag"), tag: "v2" };
  assert.deepEqual(await askedByTheSecond(lab, other), []);
}

async function sharesMirroredRegistry(lab: Lab): Promise<void> {
  await restartPeili(lab, { mirroredRegistries: lab.upstream.url });
  const image = await lab.imageInfo("pause", "mirrored");
  assert.deepEqual(await askedByTheSecond(lab, image), []);
  await awaitStatuses(lab, lab.node(1), [image, 200]);
}

async function hidesOtherRegistries(lab: Lab): Promise<void> {
  await restartPeili(lab, { mirroredRegistries: "https://docker.io" });
  const image = await lab.imageInfo("pause", "not-mirrored");
  assert.deepEqual(await askedByTheSecond(lab, image), [TAG, ...REST]);
  await assertHidden(lab, image);
}

async function leavesTags(lab: Lab): Promise<void> {
  await restartPeili(lab, { resolveTags: "false" });
  const image = await lab.imageInfo("pause", "tags-left");
  assert.deepEqual(await askedByTheSecond(lab, image), [TAG]);
}

async function leavesLatest(lab: Lab): Promise<void> {
  await restartPeili(lab, { resolveLatestTag: "false" });
  const image = await lab.imageInfo("pause", "latest-left");
  const latest = { ...image, tag: "latest" };
  assert.deepEqual(await askedByTheSecond(lab, latest), [TAG]);
  const other = await lab.imageInfo("pause", "not-latest");
  assert.deepEqual(await askedByTheSecond(lab, other), []);
}

Deno.test("Peili shares what the operator's filters allow", async (t) => {
  await using lab = await Lab.up({ nodes: 2, containerd: ["1.6", "2.1"] });
  await startPeilis(lab);
  const steps: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
    "--registry-filters hides a repository, and no other": filtersRepositories,
    "--registry-filters hides a tag, but not what it names": filtersTags,
    "--mirrored-registries shares a registry on a port": sharesMirroredRegistry,
    "--mirrored-registries hides every other registry": hidesOtherRegistries,
    "--resolve-tags=false asks the registry for tags only": leavesTags,
    "--resolve-latest-tag=false asks the registry for latest": leavesLatest,
  };
  for (const step of Object.entries(steps)) await onLab(t, lab, step);
});
