/**
 * containerd's committed content as a source: the disk, the word of containerd,
 * and what happens when they differ.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { LARGE, LAYER } from "../suites/content.ts";
import {
  assertSameBytes,
  mustOpen,
  patient,
  readAll,
  requestFor,
  tagged,
} from "../suites/source_requests.ts";
import { sourceSuite } from "../suites/source_suite.ts";
import { filledBlobs, INDEX, NAME } from "./filled_blobs.ts";

sourceSuite("containerdBlobs()", filledBlobs);

const NOTHING = { blobs: [], manifests: [], tags: [] };

Deno.test("containerdBlobs() serves only what the namespace has", async () => {
  await using filled = await filledBlobs(NOTHING);
  await filled.write(LAYER.bytes); // Another namespace's, on the same disk.
  const request = requestFor("blob", LAYER);
  assert.equal(await filled.source.stat(request, patient()), null);
  assert.equal(await filled.source.open(request, patient()), null);
});

Deno.test("containerdBlobs() has nothing that its catalog does not share", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  filled.catalog.isShared = () => false;
  const request = requestFor("blob", LAYER);
  assert.equal(await filled.source.stat(request, patient()), null);
  assert.equal(await filled.source.open(request, patient()), null);
});

Deno.test("containerdBlobs() asks containerd once for what it has, and never for what its disk has not", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  const { source, fake } = filled;
  for (let round = 0; round < 3; round++) {
    await source.stat(requestFor("blob", LAYER), patient());
  }
  assert.deepEqual(fake.calls, ["info"]);
  for (let round = 0; round < 3; round++) {
    await source.stat(requestFor("blob", LARGE), patient());
  }
  assert.deepEqual(fake.calls, ["info"]);
});

Deno.test("containerdBlobs() asks again for what it was told to forget", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  const { source, fake } = filled;
  const request = requestFor("blob", LAYER);
  assert.ok(await source.stat(request, patient()));
  fake.collect(LAYER.digest);
  source.forget(LAYER.digest);
  assert.equal(await source.stat(request, patient()), null);
});

Deno.test("containerdBlobs() has nothing when the file is gone, and asks again then", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LARGE] });
  const { source, fake } = filled;
  const request = requestFor("blob", LARGE);
  assert.ok(await source.stat(request, patient()));
  await filled.remove(LARGE.digest);
  fake.collect(LARGE.digest);
  assert.equal(await source.open(request, patient()), null);
  assert.equal(await source.stat(request, patient()), null);
});

Deno.test("containerdBlobs() breaks a body whose file is shorter than it should be", async () => {
  await using filled = await filledBlobs(NOTHING);
  const digest = await filled.put(LARGE.bytes);
  await filled.truncate(digest, LARGE.bytes.length - 1);
  const { body } = await mustOpen(filled.source, "blob", { digest });
  await assert.rejects(() => readAll(body), /short/);
});

Deno.test("containerdBlobs() goes on reading a file that is deleted meanwhile", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LARGE] });
  const { body } = await mustOpen(filled.source, "blob", LARGE);
  await filled.remove(LARGE.digest);
  assertSameBytes(await readAll(body), LARGE.bytes, "deleted");
});

Deno.test("containerdBlobs() gives no more than was committed of a file that grew", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  await filled.append(LAYER.digest, new Uint8Array(1000));
  const { body } = await mustOpen(filled.source, "blob", LAYER);
  assertSameBytes(await readAll(body), LAYER.bytes, "grown");
});

Deno.test("containerdBlobs() has nothing while containerd is away, and has it after", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  const { source, fake } = filled;
  const request = requestFor("blob", LAYER);
  fake.stop();
  assert.equal(await source.stat(request, patient()), null);
  assert.equal(await source.open(request, patient()), null);
  assert.equal(await source.resolve(tagged("v1"), patient()), null);
  fake.start();
  assert.ok(await source.stat(request, patient()));
});

Deno.test("containerdBlobs() serves what it knows while containerd is away", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LAYER] });
  const { source, fake } = filled;
  await source.stat(requestFor("blob", LAYER), patient());
  fake.stop();
  const { body } = await mustOpen(source, "blob", LAYER);
  assertSameBytes(await readAll(body), LAYER.bytes, "away");
});

Deno.test("containerdBlobs() has no tag whose manifest is not there", async () => {
  await using filled = await filledBlobs(NOTHING);
  filled.fake.name(NAME, digestOf("gone"));
  assert.equal(await filled.source.resolve(tagged("v1"), patient()), null);
});

Deno.test("containerdBlobs() takes what a manifest refers to for a blob, whatever it looks like", async () => {
  await using filled = await filledBlobs(NOTHING);
  const digest = await filled.put(INDEX);
  filled.catalog.isBlob = (other) => other === digest;
  const { source } = filled;
  assert.ok(await source.stat(requestFor("blob", { digest }), patient()));
  assert.equal(
    await source.stat(requestFor("manifest", { digest }), patient()),
    null,
  );
});

Deno.test("containerdBlobs() does not read large content to tell its type", async () => {
  await using filled = await filledBlobs({ ...NOTHING, blobs: [LARGE] });
  await filled.shorten(LARGE.digest);
  assert.ok(await filled.source.stat(requestFor("blob", LARGE), patient()));
});

Deno.test("containerdBlobs() serves sha512 content from its own folder", async () => {
  await using filled = await filledBlobs(NOTHING);
  const digest = await filled.put(LAYER.bytes, "sha512");
  const { body } = await mustOpen(filled.source, "blob", { digest });
  assertSameBytes(await readAll(body), LAYER.bytes, "sha512");
});
