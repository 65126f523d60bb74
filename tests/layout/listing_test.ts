/**
 * What a layout is understood to hold, however odd it is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { listLayout } from "../../src/layout/listing.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media_type.ts";
import { type LayoutFolder, layoutFolder, REF_NAME } from "./layout_folder.ts";
import { image, jsonPiece, putAll } from "./layout_images.ts";

const NAME = "docker.io/library/nginx:1.27";

/** Lists a folder and collects what is odd. */
async function list(
  { path }: LayoutFolder,
  before: Awaited<ReturnType<typeof listLayout>> | null = null,
) {
  const odd: string[] = [];
  const listing = await listLayout(
    path,
    before,
    (message) => odd.push(message),
  );
  return { listing, odd, digests: [...listing.contents.keys()].sort() };
}

Deno.test("listLayout() finds nothing in an empty folder, and that is not odd", async () => {
  await using folder = await layoutFolder();
  const { odd, digests } = await list(folder);
  assert.deepEqual([odd, digests], [[], []]);
});

Deno.test("listLayout() throws where no folder is", async () => {
  await using folder = await layoutFolder();
  const file = `${folder.path}/image.tar`;
  await Deno.writeTextFile(file, "");
  const none = () => {};
  await assert.rejects(listLayout(file, null, none), /unpack an archive/);
  const absent = listLayout(`${folder.path}/absent`, null, none);
  await assert.rejects(absent, Deno.errors.NotFound);
});

Deno.test("listLayout() wonders about a folder of other things", async () => {
  await using folder = await layoutFolder();
  await Deno.writeTextFile(`${folder.path}/holiday.jpg`, "");
  const { odd } = await list(folder);
  assert.match(odd.join(), /no OCI image layout yet/);
});

Deno.test("listLayout() lists what is there with its names", async () => {
  await using folder = await layoutFolder();
  const { pieces, manifest, layer } = image(1);
  await putAll(folder, pieces);
  await folder.refer(manifest, { [REF_NAME]: NAME });
  await folder.refer(manifest, { [REF_NAME]: "ghcr.io/a/b:v1" });
  const { listing, odd, digests } = await list(folder);
  assert.deepEqual(odd, []);
  assert.deepEqual(digests, pieces.map(({ digest }) => digest).sort());
  assert.deepEqual([...listing.names], [
    [NAME, manifest.digest],
    ["ghcr.io/a/b:v1", manifest.digest],
  ]);
  assert.deepEqual(listing.contents.get(manifest.digest), {
    size: manifest.bytes.length,
    mediaType: OCI_MANIFEST,
  });
  assert.equal(listing.contents.get(layer.digest)?.mediaType, null);
});

Deno.test("listLayout() passes over odd entries, and takes the good ones", async () => {
  await using folder = await layoutFolder();
  const { pieces, manifest } = image(1);
  await putAll(folder, pieces);
  const good = {
    ...manifest.descriptor,
    annotations: { [REF_NAME]: NAME },
  };
  const bad = [
    null,
    7,
    "text",
    [],
    {},
    { ...good, digest: "sha256:../../../../etc/passwd" },
    { ...good, digest: "md5:00" },
    { ...good, digest: { sha256: 1 } },
    { ...good, size: -1 },
    { ...good, size: "12" },
    { ...good, size: 1.5 },
    { ...good, size: 1e300 },
  ];
  await folder.writeIndex(JSON.stringify({ manifests: [...bad, good] }));
  const { listing, odd } = await list(folder);
  assert.deepEqual([...listing.names], [[NAME, manifest.digest]]);
  const told = odd.filter((message) => /entry of index.json/.test(message));
  assert.equal(told.length, bad.length);
});

Deno.test("listLayout() tells of an image without a full name, and serves it", async () => {
  await using folder = await layoutFolder();
  const { pieces, manifest } = image(1);
  await putAll(folder, pieces);
  await folder.refer(manifest, { [REF_NAME]: "1.27" });
  const { listing, odd, digests } = await list(folder);
  assert.match(odd.join(), /no full name/);
  assert.equal(listing.names.size, 0);
  assert.ok(digests.includes(manifest.digest));
});

Deno.test("listLayout() gives no name to what is not there", async () => {
  await using folder = await layoutFolder();
  const { manifest } = image(1);
  await folder.refer(manifest, { [REF_NAME]: NAME });
  assert.equal((await list(folder)).listing.names.size, 0);
});

Deno.test.each(["", "{", "null", "[]", '{"manifests":7}'])(
  "listLayout() keeps what index.json said before it said %j",
  async (text) => {
    await using folder = await layoutFolder();
    const { pieces, manifest } = image(1);
    await putAll(folder, pieces);
    await folder.refer(manifest, { [REF_NAME]: NAME });
    const { listing } = await list(folder);
    await folder.writeIndex(text);
    const { listing: next, odd } = await list(folder, listing);
    assert.match(odd.join(), /index.json is not understood/);
    assert.deepEqual([...next.names], [[NAME, manifest.digest]]);
    await Deno.remove(`${folder.path}/index.json`);
    const { listing: last } = await list(folder, next);
    assert.equal(last.names.size, 0, "removed is not odd");
  },
);

Deno.test("listLayout() does not read an index.json that is too long", async () => {
  await using folder = await layoutFolder();
  const { pieces, manifest } = image(1);
  await putAll(folder, pieces);
  await folder.refer(manifest, { [REF_NAME]: NAME });
  const path = `${folder.path}/index.json`;
  const text = await Deno.readTextFile(path);
  await folder.writeIndex(text.padEnd((8 << 20) + 1));
  const { listing, odd, digests } = await list(folder);
  assert.match(odd.join(), /index.json is not understood/);
  assert.equal(listing.names.size, 0);
  assert.equal(digests.length, pieces.length, "content is there all the same");
  await folder.writeIndex(text.padEnd(8 << 20));
  assert.equal((await list(folder)).listing.names.size, 1);
});

Deno.test("listLayout() passes over files that are no blobs", async () => {
  await using folder = await layoutFolder();
  const { pieces } = image(1);
  await putAll(folder, pieces);
  const names = [".tmp-1", "ABC", `${"a".repeat(63)}`, "x".repeat(64), "..."];
  for (const name of names) {
    await Deno.writeTextFile(`${folder.path}/blobs/sha256/${name}`, "x");
  }
  await Deno.mkdir(`${folder.path}/blobs/sha256/${"b".repeat(64)}`);
  await Deno.mkdir(`${folder.path}/blobs/md5`);
  const { digests, odd } = await list(folder);
  assert.equal(digests.length, pieces.length);
  assert.deepEqual(odd, ["a blob is no plain file and is not served"]);
});

Deno.test("listLayout() passes over manifests whose parts are odd", async () => {
  await using folder = await layoutFolder();
  const { layer } = image(1);
  const odd = jsonPiece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: "text",
    layers: [null, 7, {}, { digest: 7 }, layer.descriptor],
  });
  const odder = jsonPiece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {},
    layers: "text",
  });
  await putAll(folder, [layer, odd, odder]);
  const { digests } = await list(folder);
  const expected = [layer, odd, odder].map(({ digest }) => digest).sort();
  assert.deepEqual(digests, expected);
});

Deno.test("listLayout() tells of a blob that was cut off, not of one that is being copied", async () => {
  await using folder = await layoutFolder();
  const { pieces, layer } = image(1);
  await putAll(folder, pieces);
  const path = folder.pathOf(layer.digest);
  await Deno.truncate(path, 5);
  const { odd, digests, listing } = await list(folder);
  assert.deepEqual(odd, []);
  assert.ok(!digests.includes(layer.digest));
  assert.equal(listing.small.get(layer.digest)?.size, 5);
});

Deno.test("listLayout() reads a small file once, and again when it changed", async () => {
  await using folder = await layoutFolder();
  const { pieces, manifest } = image(1);
  await putAll(folder, pieces);
  const { listing } = await list(folder);
  const { listing: again } = await list(folder, listing);
  const manifestIn = (one: typeof listing) =>
    one.small.get(manifest.digest)?.manifest;
  assert.ok(manifestIn(listing));
  assert.equal(manifestIn(again), manifestIn(listing), "the same object");
  const path = folder.pathOf(manifest.digest);
  await Deno.writeTextFile(path, "x".repeat(manifest.bytes.length));
  const { digests } = await list(folder, again);
  assert.deepEqual(digests, []);
  assert.notEqual(digestOf("x"), manifest.digest);
});
