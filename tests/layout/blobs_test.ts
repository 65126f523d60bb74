/**
 * A layout's complete content as a source: what counts as complete, and what does
 * not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { contentFilter } from "../../src/content/filter.ts";
import type { ContentSource } from "../../src/content/source.ts";
import type { ContentWatcher } from "../../src/content/watcher.ts";
import { layoutBlobs } from "../../src/layout/blobs.ts";
import { layoutContents } from "../../src/layout/contents.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media_type.ts";
import { LARGE, LAYER, type Piece } from "../suites/content.ts";
import {
  assertSameBytes,
  type Kind,
  mustOpen,
  patient,
  readAll,
  requestFor,
} from "../suites/source_requests.ts";
import { sourceSuite } from "../suites/source_suite.ts";
import { filledLayout, NOTHING } from "./filled_layout.ts";
import { REF_NAME } from "./layout_folder.ts";
import { image, jsonPiece, NGINX, putAll } from "./layout_images.ts";

sourceSuite("layoutStore().source", filledLayout);
sourceSuite("layoutStore().shared", async (content) => {
  const filled = await filledLayout(content);
  return { ...filled, source: filled.shared };
});

/** Whether content is served; stat() and open() must agree. */
async function has(
  source: ContentSource,
  kind: Kind,
  piece: Pick<Piece, "digest">,
): Promise<boolean> {
  const request = requestFor(kind, piece);
  const located = await source.stat(request, patient());
  const open = await source.open(request, patient());
  await open?.body.cancel();
  assert.equal(located !== null, open !== null, "stat() and open() agree");
  return open !== null;
}

/** The digest that a tag of nginx stands for. */
async function target(source: ContentSource, tag: string) {
  const found = await source.resolve({ ...NGINX, tag }, patient());
  return found?.digest ?? null;
}

Deno.test("layoutStore().source finds what comes by itself, without being watched", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const { layer, config, manifest, pieces } = image(1);
  assert.ok(!await has(source, "manifest", manifest));
  await putAll(folder, pieces);
  assert.ok(await has(source, "manifest", manifest), "without a name, too");
  assert.ok(await has(source, "blob", config));
  assert.ok(await has(source, "blob", layer));
  assert.equal(await target(source, "1.27"), null);
  const name = "docker.io/library/nginx:1.27";
  await folder.refer(manifest, { [REF_NAME]: name });
  assert.equal(await target(source, "1.27"), manifest.digest);
});

Deno.test("layoutStore().source has a name's new target at once, and no name that is gone", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const [one, two] = [image(1), image(2)];
  await putAll(folder, [...one.pieces, ...two.pieces]);
  const names = { [REF_NAME]: "docker.io/library/nginx:1.27" };
  await folder.refer(one.manifest, names);
  assert.equal(await target(source, "1.27"), one.manifest.digest);
  await folder.forget(() => true);
  await folder.refer(two.manifest, names);
  assert.equal(await target(source, "1.27"), two.manifest.digest);
  await folder.forget(() => true);
  assert.equal(await target(source, "1.27"), null);
});

Deno.test("layoutStore().source has nothing that is gone, and goes on reading it", async () => {
  await using filled = await filledLayout({ ...NOTHING, blobs: [LARGE] });
  const { body } = await mustOpen(filled.source, "blob", LARGE);
  await Deno.remove(filled.folder.pathOf(LARGE.digest));
  assert.ok(!await has(filled.source, "blob", LARGE));
  assertSameBytes(await readAll(body), LARGE.bytes, "deleted");
});

Deno.test("layoutStore().source serves no blob that is shorter or longer than it should be", async () => {
  await using filled = await filledLayout({ ...NOTHING, blobs: [LAYER] });
  const { source, folder } = filled;
  const path = folder.pathOf(LAYER.digest);
  assert.ok(await has(source, "blob", LAYER));
  await Deno.truncate(path, LAYER.bytes.length - 1);
  assert.ok(!await has(source, "blob", LAYER));
  await Deno.writeFile(path, LAYER.bytes.subarray(-1), { append: true });
  assert.ok(await has(source, "blob", LAYER), "whole again");
  await Deno.writeFile(path, new Uint8Array(1), { append: true });
  assert.ok(!await has(source, "blob", LAYER));
});

Deno.test("layoutStore().source serves a file that is copied in once all of it is there", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const { layer, pieces } = image(1, LARGE.bytes);
  const half = layer.bytes.length >> 1;
  await putAll(folder, pieces.filter((piece) => piece !== layer));
  const path = folder.pathOf(layer.digest);
  await Deno.writeFile(path, layer.bytes.subarray(0, half));
  assert.ok(!await has(source, "blob", layer));
  await Deno.writeFile(path, layer.bytes.subarray(half), { append: true });
  assert.ok(await has(source, "blob", layer));
});

Deno.test("layoutStore().source serves nothing that nothing refers to, but manifests", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  await folder.put(LAYER.bytes);
  assert.ok(!await has(source, "blob", LAYER));
  await folder.refer(LAYER);
  // What refers to it came later than the file: the watcher's listing tells.
  const listed = await firstBatch(filled.watcher);
  assert.deepEqual(listed, [{ kind: "created", digest: LAYER.digest }]);
  assert.ok(await has(source, "blob", LAYER));
});

async function firstBatch({ watch }: ContentWatcher) {
  for await (const batch of watch(patient().signal)) return batch;
}

Deno.test("layoutStore().source believes no manifest that does not fit its digest", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const { manifest, config, layer, pieces } = image(1);
  await putAll(folder, pieces);
  const path = folder.pathOf(manifest.digest);
  await Deno.writeTextFile(path, " ", { append: true }); // It is JSON still.
  assert.ok(!await has(source, "manifest", manifest));
  assert.ok(!await has(source, "blob", manifest));
  assert.ok(!await has(source, "blob", config));
  assert.ok(!await has(source, "blob", layer));
});

Deno.test("layoutStore().source serves indexes in indexes, and all below them", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const { manifest, layer, pieces } = image(1);
  const inner = jsonPiece(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [manifest.descriptor],
  });
  const outer = jsonPiece(OCI_INDEX, {
    schemaVersion: 2,
    manifests: [inner.descriptor],
  });
  await putAll(folder, [...pieces, inner, outer]);
  await folder.refer(outer, { [REF_NAME]: "docker.io/library/nginx:all" });
  const found = await source.resolve({ ...NGINX, tag: "all" }, patient());
  assert.equal(found?.digest, outer.digest);
  assert.equal(found.mediaType, OCI_INDEX);
  for (const piece of [inner, outer, manifest]) {
    assert.ok(await has(source, "manifest", piece));
  }
  assert.ok(await has(source, "blob", layer));
});

Deno.test("layoutStore().source serves artifacts, whose layers may look like manifests", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const sbom = jsonPiece("application/spdx+json", {
    schemaVersion: 2,
    manifests: [],
  });
  const artifact = jsonPiece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/spdx+json",
    config: { ...EMPTY_CONFIG.descriptor, data: "e30=" },
    layers: [sbom.descriptor],
  });
  await putAll(folder, [sbom, EMPTY_CONFIG, artifact]);
  assert.ok(await has(source, "blob", sbom));
  assert.ok(!await has(source, "manifest", sbom));
  assert.ok(await has(source, "blob", EMPTY_CONFIG));
  assert.ok(await has(source, "manifest", artifact));
});

const EMPTY_CONFIG = jsonPiece("application/vnd.oci.empty.v1+json", {});

Deno.test("layoutStore().source serves content of other algorithms from their folders", async () => {
  await using filled = await filledLayout();
  const { source, folder } = filled;
  const digest = await folder.put(LAYER.bytes, "sha512");
  await folder.refer({ ...LAYER, digest });
  const { body } = await mustOpen(source, "blob", { digest });
  assertSameBytes(await readAll(body), LAYER.bytes, "sha512");
});

Deno.test("layoutStore().source follows no link out of its folder", async () => {
  await using filled = await filledLayout();
  const { source, folder, log } = filled;
  await using other = await filledLayout({ ...NOTHING, blobs: [LAYER] });
  await folder.put("anything");
  const path = folder.pathOf(LAYER.digest);
  await Deno.symlink(other.folder.pathOf(LAYER.digest), path);
  await folder.refer(LAYER);
  assert.equal(await firstBatch(filled.watcher).then((all) => all?.length), 0);
  assert.ok(!await has(source, "blob", LAYER));
  const line = log.lines.find(({ digest }) => digest === LAYER.digest);
  assert.equal(line?.msg, "a blob is no plain file and is not served");
});

Deno.test("layoutStore().source has nothing while the folder is away, and has it after", async () => {
  await using filled = await filledLayout({ ...NOTHING, blobs: [LAYER] });
  const { source, folder, pullState } = filled;
  assert.deepEqual(await pullState(LAYER.digest), { kind: "complete" });
  const away = `${folder.path}-away`;
  await Deno.rename(folder.path, away);
  assert.ok(!await has(source, "blob", LAYER));
  assert.equal(await target(source, "1.27"), null);
  assert.deepEqual(await pullState(LAYER.digest), { kind: "unknown" });
  await Deno.rename(away, folder.path);
  assert.ok(await has(source, "blob", LAYER));
  assert.equal(await pullState(digestOf("never here")), null);
});

Deno.test("layoutStore().source does not list for each question, whatever the clock of the stick", async () => {
  await using filled = await filledLayout();
  const { folder } = filled;
  const { manifest, pieces } = image(1);
  await putAll(folder, pieces);
  await folder.put("nobody refers to this");
  await folder.refer(manifest, { [REF_NAME]: "nginx:1.27" });
  const then = new Date(Date.now() + 3_600_000);
  await Deno.utime(`${folder.path}/index.json`, then, then);
  const orphan = { digest: digestOf("nobody refers to this") };
  await Deno.utime(folder.pathOf(orphan.digest), then, then);

  const contents = layoutContents(folder.path, filled.log);
  let listings = 0;
  const source = layoutBlobs({
    path: folder.path,
    contents: { ...contents, list: () => (listings++, contents.list()) },
    catalog: { isShared: () => true },
    log: filled.log,
  });
  for (let round = 0; round < 5; round++) {
    assert.equal(await target(source, "1.27"), manifest.digest);
    assert.ok(!await has(source, "blob", orphan));
  }
  assert.equal(listings, 1);
});

Deno.test("layoutStore().source waits for a listing, but not for ever", async () => {
  await using filled = await filledLayout({ ...NOTHING, blobs: [LAYER] });
  const { path } = filled.folder;
  const contents = layoutContents(path, filled.log);
  const stuck = Promise.withResolvers<never>();
  const source = layoutBlobs({
    path,
    contents: { ...contents, list: () => stuck.promise },
    catalog: { isShared: () => true },
    log: filled.log,
  }, { listingMs: 1 });
  assert.ok(!await has(source, "blob", LAYER));
  assert.equal(await target(source, "1.27"), null);
});

Deno.test("layoutStore().source shares only what an allowed image reaches", async () => {
  const filter = contentFilter({
    mirroredRegistries: [],
    registryFilters: [/secret/],
    resolveTags: true,
    resolveLatestTag: true,
  });
  await using filled = await filledLayout(NOTHING, filter);
  const { source, folder, watcher } = filled;
  const [open, secret, nameless] = [image(1), image(2), image(3)];
  for (const { pieces } of [open, secret, nameless]) {
    await putAll(folder, pieces);
  }
  await folder.refer(open.manifest, { [REF_NAME]: "nginx:1.27" });
  await folder.refer(secret.manifest, { [REF_NAME]: "docker.io/secret/a:v1" });
  await firstBatch(watcher);
  for (const { manifest, layer } of [open, secret, nameless]) {
    const isShared = manifest === open.manifest;
    assert.equal(await has(source, "manifest", manifest), isShared);
    assert.equal(await has(source, "blob", layer), isShared);
  }
});
