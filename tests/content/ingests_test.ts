/**
 * What containerd is still pulling: which pulls are seen, which are offered, and
 * their bytes while they grow.
 *
 * @module
 */

import assert from "node:assert/strict";
import { firstOf } from "../../src/content/combine.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX } from "../../src/oci/media_type.ts";
import { filledMemory } from "./filled_memory.ts";
import { EMPTY, LARGE, LAYER } from "../suites/content.ts";
import {
  assertSameBytes,
  type Kind,
  mustOpen,
  patient,
  readAll,
  requestFor,
} from "../suites/source_requests.ts";
import { sourceSuite } from "../suites/source_suite.ts";
import { INDEX } from "../containerd/filled_blobs.ts";
import {
  type IngestFile,
  type IngestFolder,
  ingestFolder,
  refOf,
} from "./ingest_folder.ts";

/** As a peer serves it: blobs in flight behind what is committed. */
sourceSuite("folderIngests().source", async (content) => {
  const folder = await ingestFolder();
  for (const { bytes } of content.blobs) {
    if (bytes.length === 0) continue; // Its size is as if it were unknown.
    await (await folder.pull(bytes)).age(-3_600_000);
  }
  const committed = filledMemory({ ...content, blobs: [EMPTY] });
  return {
    source: firstOf(committed, folder.ingests.source),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

/** Whether content is offered to other nodes. */
async function isOffered(
  { ingests }: IngestFolder,
  digest: Digest,
): Promise<boolean> {
  const request = requestFor("blob", { digest });
  const located = await ingests.source.stat(request, patient());
  const open = await ingests.source.open(request, patient());
  await open?.body.cancel();
  assert.equal(located !== null, open !== null, "stat() and open() agree");
  return open !== null;
}

Deno.test("folderIngests() sees nothing while there is no folder", async () => {
  await using folder = await ingestFolder();
  assert.equal(await folder.ingests.find(LAYER.digest), null);
  assert.ok(!await isOffered(folder, LAYER.digest));
  await folder.pull(LAYER.bytes, { first: 10 });
  assert.ok(await folder.ingests.find(LAYER.digest), "and sees it come");
});

Deno.test("find() tells how far a pull is", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 10 });
  const ingest = await folder.ingests.find(pull.digest);
  assert.equal(ingest?.digest, pull.digest);
  assert.equal(ingest?.total, LAYER.bytes.length);
  assert.equal(ingest?.offset, 10);
  await pull.append(LAYER.bytes.subarray(10, 25));
  assert.equal((await folder.ingests.find(pull.digest))?.offset, 25);
  await pull.commit();
  assert.equal(await folder.ingests.find(pull.digest), null);
});

const FILES: readonly IngestFile[] = ["ref", "total", "data", "startedat"];

Deno.test("folderIngests() offers a pull once all is there, in whatever order it comes", async () => {
  for (const first of FILES) {
    for (const last of FILES) {
      if (first === last) continue;
      await using folder = await ingestFolder();
      const { digest } = LAYER;
      const pull = await folder.begin(refOf(digest));
      const contents = {
        ref: refOf(digest),
        total: `${LAYER.bytes.length}`,
        data: LAYER.bytes.subarray(0, 100),
        startedat: "0",
        updatedat: "0",
      };
      folder.parts.add(digest);
      const between = FILES.filter((file) => file !== first && file !== last);
      for (const file of [first, ...between, last]) {
        const needed = last !== "startedat" || file !== last;
        if (needed && file === last) {
          assert.ok(!await isOffered(folder, digest), `${last} is absent`);
        }
        await pull.write(file, contents[file]);
      }
      assert.ok(await isOffered(folder, digest), `${first} to ${last}`);
    }
  }
});

Deno.test("folderIngests() offers nothing of which a file is absent, empty or odd", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 10 });
  for (const total of ["", "0", "-5", "12.5", "9".repeat(16), "0x10", "ten"]) {
    await pull.write("total", total);
    assert.ok(!await isOffered(folder, pull.digest), total);
  }
  await pull.write("total", ` ${LAYER.bytes.length}\n`);
  assert.ok(await isOffered(folder, pull.digest));
  await pull.remove("total");
  assert.ok(!await isOffered(folder, pull.digest));
  assert.ok(await folder.ingests.find(pull.digest), "it may lead all the same");
  await pull.remove("data");
  assert.equal(await folder.ingests.find(pull.digest), null);
});

Deno.test("folderIngests() claims no memory by what a pull claims to be", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 10 });
  await pull.write("total", "9".repeat(15));
  const { body } = await mustOpen(folder.ingests.source, "blob", pull);
  const reader = body.getReader();
  assert.equal((await reader.read()).value?.length, 10);
  await reader.cancel();
  const manifest = requestFor("manifest", pull);
  const { source } = folder.ingests;
  assert.equal(await source.open(manifest, patient()), null);
});

Deno.test("folderIngests() follows no link", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes);
  assert.ok(await isOffered(folder, pull.digest));
  await Deno.rename(`${pull.path}/data`, `${pull.path}/elsewhere`);
  await Deno.symlink(`${pull.path}/elsewhere`, `${pull.path}/data`);
  assert.ok(!await isOffered(folder, pull.digest));
});

Deno.test("folderIngests() reads a ref that is written late", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.begin(refOf(LAYER.digest));
  await pull.write("data", LAYER.bytes.subarray(0, 5));
  await pull.write("ref", "");
  assert.equal(await folder.ingests.find(LAYER.digest), null);
  await pull.write("ref", refOf(LAYER.digest));
  assert.equal((await folder.ingests.find(LAYER.digest))?.offset, 5);
});

const SHA512 = digestOf("layer", "sha512");

Deno.test.each<[string, Digest]>([
  [refOf(LAYER.digest, "manifest"), LAYER.digest],
  [refOf(LAYER.digest, "index"), LAYER.digest],
  [refOf(LAYER.digest, "config"), LAYER.digest],
  [refOf(LAYER.digest, "layer"), LAYER.digest],
  [refOf(LAYER.digest, "attestation"), LAYER.digest],
  [refOf(LAYER.digest, "unknown"), LAYER.digest],
  [`k8s.io/1/index-docker.io/library/a:1@${LAYER.digest}`, LAYER.digest],
  [`k8s.io/12/manifest-v1.0-rc@${LAYER.digest}`, LAYER.digest],
  [refOf(SHA512), SHA512],
])("find() understands the ref %s", async (ref, digest) => {
  await using folder = await ingestFolder();
  await folder.pull(LAYER.bytes, { first: 5, ref });
  assert.equal((await folder.ingests.find(digest))?.offset, 5);
});

Deno.test.each([
  `k8s.io/1/layer-${LAYER.digest.slice(0, -1)}`,
  `k8s.io/1/layer-${LAYER.digest}-more`,
  `k8s.io/1/${LAYER.digest}`,
  `k8s.io/1/layer-md5:${"0".repeat(32)}`,
  "k8s.io/1/import-0123",
  "k8s.io/1/\0\ufffd",
])("find() passes over the ref %s and says so once", async (ref) => {
  await using folder = await ingestFolder();
  await folder.pull(LAYER.bytes, { ref });
  await folder.pull(LARGE.bytes, { first: 1 });
  assert.ok(await folder.ingests.find(LARGE.digest));
  assert.equal(await folder.ingests.find(LAYER.digest), null);
  assert.equal(folder.log.lines.length, 1);
});

Deno.test("find() sees no pull of another namespace", async () => {
  await using folder = await ingestFolder();
  const { digest } = LAYER;
  for (const namespace of ["moby", "k8s", "k8s.io.build", "K8S.IO", ""]) {
    const ref = `${namespace}/1/layer-${digest}`;
    await folder.pull(LAYER.bytes, { ref });
  }
  folder.parts.add(digest);
  assert.equal(await folder.ingests.find(digest), null);
  assert.ok(!await isOffered(folder, digest));
  assert.deepEqual(folder.log.lines, []);
});

Deno.test("find() tells of the pull that grew last, not of what a crash left", async () => {
  await using folder = await ingestFolder();
  const { digest } = LAYER;
  const orphan = await folder.pull(LAYER.bytes, { first: 5_000 });
  await orphan.age(60_000);
  const ref = `k8s.io/9/layer-name@${digest}`;
  const live = await folder.pull(LAYER.bytes, { first: 10, ref });
  assert.equal((await folder.ingests.find(digest))?.offset, 10);
  await live.abort();
  assert.equal((await folder.ingests.find(digest))?.offset, 5_000);
});

Deno.test("folderIngests() does not offer what does not grow", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 5_000 });
  assert.ok(await isOffered(folder, pull.digest));
  await pull.age(60_000); // From before this process, too.
  assert.ok(!await isOffered(folder, pull.digest));
  assert.ok(await folder.ingests.find(pull.digest), "but sees it");
  folder.parts.add(pull.digest);
  assert.ok(await isOffered(folder, pull.digest), "it is about to grow");
});

Deno.test("folderIngests() offers a queued pull only when this node takes part", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 0 });
  assert.ok(!await isOffered(folder, pull.digest));
  folder.parts.add(pull.digest);
  assert.ok(await isOffered(folder, pull.digest));
});

Deno.test("folderIngests() does not offer what has all its bytes and is not committed", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes);
  folder.parts.add(pull.digest);
  assert.ok(await isOffered(folder, pull.digest), "not for the first seconds");
  await pull.age(60_000);
  assert.ok(!await isOffered(folder, pull.digest));
});

Deno.test("open() streams a pull while it grows, beyond its commit", async () => {
  await using folder = await ingestFolder();
  const { bytes } = LARGE;
  const pull = await folder.pull(bytes, { first: 1 });
  const { body, descriptor, range } = await mustOpen(
    folder.ingests.source,
    "blob",
    pull,
  );
  assert.equal(descriptor.size, bytes.length);
  assert.equal(range, null);
  const read = readAll(body);
  for (let at = 1; at < bytes.length; at += 1 << 20) {
    await pull.append(bytes.subarray(at, at + (1 << 20)));
  }
  await pull.commit();
  assertSameBytes(await read, bytes, "streamed");
  assert.ok(!await isOffered(folder, pull.digest));
});

Deno.test("open() breaks the body of a pull that is given up", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 10 });
  const { body } = await mustOpen(folder.ingests.source, "blob", pull);
  const reader = body.getReader();
  assert.equal((await reader.read()).value?.length, 10);
  const next = reader.read();
  await pull.abort();
  await assert.rejects(next, /given up/);
});

Deno.test("open() gives a part that is not there yet", async () => {
  await using folder = await ingestFolder();
  const { bytes } = LAYER;
  const pull = await folder.pull(bytes, { first: 10 });
  const { body, range } = await mustOpen(folder.ingests.source, "blob", pull, {
    range: { start: 50, end: 99 },
  });
  assert.deepEqual(range, { start: 50, end: 99 });
  const read = readAll(body);
  await pull.append(bytes.subarray(10));
  assertSameBytes(await read, bytes.subarray(50, 100), "part");
});

Deno.test("open() ends the body when its signal aborts", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(LAYER.bytes, { first: 10 });
  const ended = new AbortController();
  const { signal } = ended;
  const open = await mustOpen(folder.ingests.source, "blob", pull, { signal });
  const reader = open.body.getReader();
  await reader.read();
  const next = reader.read();
  ended.abort();
  await assert.rejects(next, { name: "AbortError" });
});

/** Opens a manifest that is being pulled. */
function openManifest(
  { ingests }: IngestFolder,
  digest: Digest,
  signal: AbortSignal = patient().signal,
) {
  return ingests.source.open(requestFor("manifest", { digest }), { signal });
}

Deno.test("open() gives a manifest whole and with its type, once all is there", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(INDEX, { first: 10 });
  folder.parts.add(pull.digest);
  const opening = openManifest(folder, pull.digest);
  await pull.append(INDEX.subarray(10));
  const open = await opening;
  assert.equal(open?.descriptor.mediaType, OCI_INDEX);
  assert.equal(open?.descriptor.size, INDEX.length);
  assertSameBytes(await readAll(open.body), INDEX, "manifest");
});

Deno.test("open() gives a part of a manifest", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(INDEX);
  const options = { range: { start: 2, end: 5 } };
  const { source } = folder.ingests;
  const { body, range } = await mustOpen(source, "manifest", pull, options);
  assert.deepEqual(range, { start: 2, end: 5 });
  assertSameBytes(await readAll(body), INDEX.subarray(2, 6), "part");
});

Deno.test("open() has no manifest that is corrupt, or is none", async () => {
  await using folder = await ingestFolder();
  const layer = await folder.pull(LAYER.bytes);
  assert.equal(await openManifest(folder, layer.digest), null);
  const pull = await folder.pull(INDEX);
  await pull.write("data", INDEX.map((byte) => byte ^ 1));
  assert.equal(await openManifest(folder, pull.digest), null);
});

Deno.test("open() has no manifest whose pull is given up meanwhile", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(INDEX, { first: 10 });
  folder.parts.add(pull.digest);
  const opening = openManifest(folder, pull.digest);
  await pull.abort();
  assert.equal(await opening, null);
});

Deno.test("open() waits for a manifest no longer than its signal", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(INDEX, { first: 10 });
  folder.parts.add(pull.digest);
  const ended = new AbortController();
  const opening = openManifest(folder, pull.digest, ended.signal);
  ended.abort();
  assert.equal(await opening, null);
  assert.equal(await openManifest(folder, pull.digest, ended.signal), null);
});

Deno.test("resolve() knows no tag, and stat() no manifest", async () => {
  await using folder = await ingestFolder();
  const pull = await folder.pull(INDEX);
  const { source } = folder.ingests;
  const kinds: readonly [Kind, boolean][] = [["blob", true], [
    "manifest",
    false,
  ]];
  for (const [kind, has] of kinds) {
    const located = await source.stat(requestFor(kind, pull), patient());
    assert.equal(located !== null, has, kind);
  }
  const tag = { registry: "r.example", repository: "a", tag: "v1" };
  assert.equal(await source.resolve(tag, patient()), null);
});

Deno.test("containerdIngests() believes only ns while the operator leaves something out", async () => {
  const asNamed = requestFor("blob", LAYER);
  const { registry: _registry, ...unnamed } = asNamed;
  const rows = [
    { request: asNamed, offered: [true, true] },
    { request: { ...asNamed, plain: true }, offered: [true, false] },
    { request: unnamed, offered: [true, false] },
  ];
  for (const [i, restricts] of [false, true].entries()) {
    await using folder = await ingestFolder({ restricts });
    await folder.pull(LAYER.bytes, { first: 10 });
    for (const { request, offered } of rows) {
      const located = await folder.ingests.source.stat(request, patient());
      assert.equal(located !== null, offered[i]);
    }
  }
});
