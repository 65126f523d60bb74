/**
 * A layout as a node's store while its own puller writes into it: what others
 * see before, during and after the commit.
 *
 * @module
 */

import assert from "node:assert/strict";
import { layoutWriter } from "../../src/layout/writer.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { LARGE } from "../suites/content.ts";
import {
  assertSameBytes,
  mustOpen,
  patient,
  readAll,
  requestFor,
} from "../suites/source_requests.ts";
import { filledLayout } from "./filled_layout.ts";
import { image, putAll } from "./layout_images.ts";

const { layer, manifest, config, pieces } = image(1, LARGE.bytes);
const { bytes, digest } = layer;
const MIB = 1 << 20;

/** A node that has the manifest and pulls the layer, with its first bytes. */
async function pulling(first: number) {
  const filled = await filledLayout();
  await putAll(filled.folder, [manifest, config]);
  const writer = layoutWriter(filled.folder.path);
  const ingest = await writer.ingest(layer.descriptor, patient());
  await ingest.write(bytes.subarray(0, first));
  return {
    ...filled,
    writer,
    ingest,
    async [Symbol.asyncDispose]() {
      await ingest.abort();
      await filled[Symbol.asyncDispose]();
    },
  };
}

Deno.test("layoutStore() tells how far a pull is, before, during and after", async () => {
  await using filled = await pulling(MIB);
  const { pullState, pulling: pullOf, ingest } = filled;
  const state = await pullState(digest);
  assert.ok(state?.kind === "pulling");
  assert.deepEqual([state.offset, state.total], [MIB, bytes.length]);
  await ingest.write(bytes.subarray(MIB));
  assert.equal((await pullOf(digest))?.kind, "pulling");
  await ingest.commit();
  assert.equal(await pullOf(digest), null);
  assert.deepEqual(await pullState(digest), { kind: "complete" });
  assert.equal(await pullState(digestOf("another")), null);
});

Deno.test("layoutStore().shared streams a pull while it grows, beyond its commit", async () => {
  await using filled = await pulling(1);
  const { shared, source, ingest } = filled;
  const request = requestFor("blob", layer);
  assert.equal(await source.stat(request, patient()), null);
  const { body, descriptor } = await mustOpen(shared, "blob", layer);
  assert.equal(descriptor.size, bytes.length);
  const read = readAll(body);
  for (let at = 1; at < bytes.length; at += MIB) {
    await ingest.write(bytes.subarray(at, at + MIB));
  }
  await ingest.commit();
  assertSameBytes(await read, bytes, "followed");
  const after = await mustOpen(source, "blob", layer);
  assertSameBytes(await readAll(after.body), bytes, "committed");
});

Deno.test("layoutStore().shared serves a pull at any moment of its commit", async () => {
  await using filled = await pulling(bytes.length);
  const { shared, ingest, parts } = filled;
  parts.add(digest);
  const request = requestFor("blob", layer);
  let isCommitted = false;
  const committing = ingest.commit().then(() => isCommitted = true);
  let looks = 0;
  while (!isCommitted || looks < 20) {
    assert.ok(await shared.stat(request, patient()), `look ${looks++}`);
  }
  await committing;
});

Deno.test("layoutStore().shared offers a pull before its first byte only when this node takes part", async () => {
  await using filled = await pulling(0);
  const { shared, parts } = filled;
  const request = requestFor("blob", layer);
  assert.equal(await shared.stat(request, patient()), null);
  parts.add(digest);
  assert.ok(await shared.stat(request, patient()));
});

Deno.test("layoutStore().shared forgets a pull whose bytes were wrong", async () => {
  await using filled = await pulling(1);
  const { shared, ingest, parts, pullState } = filled;
  parts.add(digest);
  const wrong = bytes.with(-2, (bytes.at(-2) ?? 0) ^ 1);
  await ingest.write(wrong.subarray(1));
  assert.ok(await shared.stat(requestFor("blob", layer), patient()));
  await assert.rejects(ingest.commit(), /its bytes are others/);
  assert.equal(await shared.stat(requestFor("blob", layer), patient()), null);
  assert.equal(await pullState(digest), null);
});

Deno.test("layoutStore().shared goes on where a pull is taken up again", async () => {
  await using filled = await pulling(MIB);
  const { shared, writer, ingest } = filled;
  const { body } = await mustOpen(shared, "blob", layer);
  const read = readAll(body);
  await ingest.abort();
  await using again = await writer.ingest(layer.descriptor, patient());
  assert.equal(again.offset, MIB);
  await again.write(bytes.subarray(MIB));
  await again.commit();
  assertSameBytes(await read, bytes, "of two writers");
});

Deno.test("layoutStore().shared serves what nobody pulls any more from the start", async () => {
  await using filled = await filledLayout();
  await putAll(filled.folder, pieces);
  for (const piece of pieces) {
    const kind = piece === manifest ? "manifest" : "blob";
    const { body } = await mustOpen(filled.shared, kind, piece);
    assertSameBytes(await readAll(body), piece.bytes, piece.name);
  }
});
