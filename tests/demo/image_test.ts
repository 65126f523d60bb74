/**
 * The image of the demo: it is one, and somebody's own is found.
 *
 * @module
 */

import assert from "node:assert/strict";
import { demoImage } from "../../demo/image.ts";
import { blobPath } from "../../src/layout/folder.ts";
import { layoutWriter } from "../../src/layout/writer.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media_type.ts";
import { readImageNode } from "../../src/pull/image_graph.ts";
import { layoutFolder } from "../layout/layout_folder.ts";
import { fakeImage, fakeIndex } from "../pull/fake_registry.ts";

const { signal } = new AbortController();
const SIZE = 1_000_001;
const MADE = { image: null, imageBytes: SIZE };

Deno.test("demoImage() makes an image whose digests and sizes fit", async () => {
  await using folder = await layoutFolder();
  const { root, bytes, path } = await demoImage(folder.path, MADE, signal);
  assert.equal(path, folder.path);
  const manifest = await Deno.readFile(blobPath(path, root.digest));
  const node = readImageNode(manifest);
  assert.ok(node.kind === "manifest");
  assert.equal(node.blobs.length, 5);
  let sum = 0;
  for (const { digest, size } of [root, ...node.blobs]) {
    const blob = await Deno.readFile(blobPath(path, digest));
    assert.deepEqual([digestOf(blob), blob.length], [digest, size]);
    sum += size;
  }
  assert.equal(bytes, sum);
  assert.ok(bytes > SIZE && bytes < SIZE + 20_000, `${bytes}`);
  assert.deepEqual((await folder.index()).manifests, [root]);
});

Deno.test("demoImage() makes layers that tar can list", async () => {
  await using folder = await layoutFolder();
  const { root, path } = await demoImage(folder.path, MADE, signal);
  const node = readImageNode(await Deno.readFile(blobPath(path, root.digest)));
  assert.ok(node.kind === "manifest");
  const layer = node.blobs[1];
  assert.ok(layer);
  const { stdout, code } = await new Deno.Command("tar", {
    args: ["-tvf", blobPath(path, layer.digest)],
  }).output();
  assert.equal(code, 0);
  assert.match(
    new TextDecoder().decode(stdout),
    /^-rw-r--r-- .* 250000 .* 0\.bin\n$/,
  );
});

Deno.test("demoImage() makes another image each time", async () => {
  await using folder = await layoutFolder();
  await using other = await layoutFolder();
  const one = await demoImage(folder.path, MADE, signal);
  const two = await demoImage(other.path, MADE, signal);
  assert.notEqual(one.root.digest, two.root.digest);
});

Deno.test("demoImage() ends when it is told to", async () => {
  await using folder = await layoutFolder();
  await assert.rejects(
    demoImage(folder.path, MADE, AbortSignal.abort()),
    { name: "AbortError" },
  );
});

Deno.test("demoImage() finds an image by its name, and counts what one platform pulls", async () => {
  await using folder = await layoutFolder();
  const images = [fakeImage([1_000], 1), fakeImage([2_000], 2)] as const;
  const index = fakeIndex(
    ["amd64", "arm64"].map((architecture, at) => [
      images[at === 0 ? 0 : 1].manifest,
      { platform: { os: "linux", architecture } },
    ]),
  );
  const pieces = [index, ...images.flatMap((image) => image.pieces)];
  for (const { bytes } of pieces) await folder.put(bytes);
  const writer = layoutWriter(folder.path);
  const name = "registry.example/app:v1";
  const { digest, bytes, mediaType } = index;
  await writer.tag(name, { digest, mediaType, size: bytes.length });
  await writer.tag("registry.example/other:v1", {
    digest: images[0].manifest.digest,
    mediaType: OCI_MANIFEST,
    size: images[0].manifest.bytes.length,
  });
  const find = (ref: string) =>
    demoImage("/nowhere", {
      image: { path: folder.path, ref },
      imageBytes: 1,
    }, signal);
  const found = await find(name);
  assert.equal(found.root.digest, digest);
  const own = images[Deno.build.arch === "aarch64" ? 1 : 0].pieces;
  const sum = [index, ...own].reduce((all, one) => all + one.bytes.length, 0);
  assert.equal(found.bytes, sum);
  const names =
    /its names: registry\.example\/app:v1, registry\.example\/other:v1/;
  await assert.rejects(find(""), names);
  await assert.rejects(find("app"), names);
  await using empty = await layoutFolder();
  const image = { path: empty.path, ref: "" };
  await assert.rejects(
    demoImage("/nowhere", { image, imageBytes: 1 }, signal),
    /Cannot find an image in .*: it has no index\.json/,
  );
});
