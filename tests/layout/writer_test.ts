/**
 * Writing into a layout: content that grows, is checked and appears complete,
 * whoever else writes there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { layoutWriter } from "../../src/layout/writer.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { OCTET_STREAM } from "../../src/oci/media_type.ts";
import { LARGE, LAYER, type Piece } from "../suites/content.ts";
import { patient } from "../suites/source_requests.ts";
import { layoutFolder, REF_NAME } from "./layout_folder.ts";

function descriptorOf({ digest, bytes }: Pick<Piece, "digest" | "bytes">) {
  return { mediaType: OCTET_STREAM, digest, size: bytes.length };
}

const LAYER_DESCRIPTOR: Descriptor = descriptorOf(LAYER);

/** All files of a layout, with paths from its folder. */
async function filesOf(path: string, under = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path + under)) {
    if (isDirectory) names.push(...await filesOf(path, `${under}/${name}`));
    else names.push(`${under}/${name}`);
  }
  return names.sort();
}

Deno.test("ingest() writes, and commit() makes the blob, and leaves nothing else", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  assert.ok(!await writer.has(LARGE.digest));
  await using ingest = await writer.ingest(descriptorOf(LARGE), patient());
  assert.equal(ingest.offset, 0);
  for (let at = 0; at < LARGE.bytes.length; at += 1 << 20) {
    await ingest.write(LARGE.bytes.subarray(at, at + (1 << 20)));
  }
  assert.equal(ingest.offset, LARGE.bytes.length);
  assert.ok(!await writer.has(LARGE.digest), "not before it is committed");
  await ingest.commit();
  assert.ok(await writer.has(LARGE.digest, LARGE.bytes.length));
  assert.ok(!await writer.has(LARGE.digest, LARGE.bytes.length + 1));
  assert.deepEqual(
    await Deno.readFile(folder.pathOf(LARGE.digest)),
    LARGE.bytes,
  );
  assert.deepEqual(await filesOf(folder.path), [
    `/blobs/${LARGE.digest.replace(":", "/")}`,
  ]);
});

Deno.test("ingest() goes on where the last one was closed", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  {
    await using first = await writer.ingest(LAYER_DESCRIPTOR, patient());
    await first.write(LAYER.bytes.subarray(0, 1000));
  }
  await using second = await writer.ingest(LAYER_DESCRIPTOR, patient());
  assert.equal(second.offset, 1000);
  await second.write(LAYER.bytes.subarray(1000));
  await second.commit();
  assert.deepEqual(
    await Deno.readFile(folder.pathOf(LAYER.digest)),
    LAYER.bytes,
  );
});

Deno.test("commit() refuses what is incomplete and keeps it", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await ingest.write(LAYER.bytes.subarray(0, -7));
  await assert.rejects(ingest.commit(), /7 of \d+ bytes are missing/);
  await ingest.write(LAYER.bytes.subarray(-7));
  await ingest.commit();
  assert.ok(await writer.has(LAYER.digest));
});

Deno.test("commit() discards wrong bytes, those of before too", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  const wrong = LAYER.bytes.map((byte, at) => at === 5 ? byte ^ 1 : byte);
  {
    await using first = await writer.ingest(LAYER_DESCRIPTOR, patient());
    await first.write(wrong.subarray(0, 1000));
  }
  await using second = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await second.write(LAYER.bytes.subarray(1000));
  await assert.rejects(second.commit(), /its bytes are others/);
  assert.deepEqual(await filesOf(folder.path), []);
  await using third = await writer.ingest(LAYER_DESCRIPTOR, patient());
  assert.equal(third.offset, 0);
});

Deno.test("write() takes no more than the descriptor says", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await ingest.write(LAYER.bytes);
  await assert.rejects(ingest.write(new Uint8Array(1)), RangeError);
  await ingest.commit();
  await assert.rejects(ingest.write(new Uint8Array(1)), RangeError);
});

Deno.test("ingest() of what is complete needs only its commit()", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await folder.put(LAYER.bytes);
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  assert.equal(ingest.offset, LAYER.bytes.length);
  await assert.rejects(ingest.write(new Uint8Array(1)), RangeError);
  await ingest.commit();
  assert.ok(await writer.has(LAYER.digest));
});

Deno.test("ingest() writes anew what was cut off", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await folder.put(LAYER.bytes);
  await Deno.truncate(folder.pathOf(LAYER.digest), 10);
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await ingest.write(LAYER.bytes);
  await ingest.commit();
  assert.deepEqual(
    await Deno.readFile(folder.pathOf(LAYER.digest)),
    LAYER.bytes,
  );
});

Deno.test("ingest() waits for another who writes the same, and has all of it then", async () => {
  await using folder = await layoutFolder();
  const [one, other] = [layoutWriter(folder.path), layoutWriter(folder.path)];
  await using first = await one.ingest(LAYER_DESCRIPTOR, patient());
  const told = Promise.withResolvers<void>();
  let times = 0;
  const waiting = other.ingest(LAYER_DESCRIPTOR, {
    ...patient(),
    onWait() {
      times++;
      told.resolve();
    },
  });
  await told.promise;
  await first.write(LAYER.bytes);
  await first.commit();
  await using second = await waiting;
  assert.equal(second.offset, LAYER.bytes.length);
  assert.equal(times, 1);
});

Deno.test("ingest() waits no longer than its signal", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await using _first = await writer.ingest(LAYER_DESCRIPTOR, patient());
  const ended = new AbortController();
  const waiting = writer.ingest(LAYER_DESCRIPTOR, { signal: ended.signal });
  ended.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

Deno.test("ingest() reads what is there no longer than its signal allows, and loses nothing", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  {
    await using first = await writer.ingest(descriptorOf(LARGE), patient());
    await first.write(LARGE.bytes.subarray(1));
  }
  const { signal } = new AbortController();
  let looks = 0;
  signal.throwIfAborted = () => {
    if (++looks > 2) throw new Error("in the middle");
  };
  await assert.rejects(
    writer.ingest(descriptorOf(LARGE), { signal }),
    /in the middle/,
  );
  await using next = await writer.ingest(descriptorOf(LARGE), patient());
  assert.equal(next.offset, LARGE.bytes.length - 1);
});

Deno.test("ingest() wants a ref that ends in the digest", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  const options = { ...patient(), ref: "../../etc/passwd" };
  await assert.rejects(writer.ingest(LAYER_DESCRIPTOR, options), TypeError);
  const ref = `../layer-${LAYER.digest}`;
  await using _ingest = await writer.ingest(LAYER_DESCRIPTOR, {
    ...options,
    ref,
  });
  const [total] = (await filesOf(folder.path)).filter((path) =>
    /^\/ingest\/[0-9a-f]{64}\/total$/.test(path)
  );
  assert.ok(total, "a ref is no path");
});

Deno.test("writers of the same content, all at once, make one blob", async () => {
  await using folder = await layoutFolder();
  await Promise.all(Array.from({ length: 8 }, async (_none, n) => {
    const writer = layoutWriter(folder.path);
    const ref = `${n % 2}/layer-${LAYER.digest}`;
    await using ingest = await writer.ingest(LAYER_DESCRIPTOR, {
      ...patient(),
      ref,
    });
    await ingest.write(LAYER.bytes.subarray(ingest.offset));
    await ingest.commit();
  }));
  assert.deepEqual(await filesOf(folder.path), [
    `/blobs/${LAYER.digest.replace(":", "/")}`,
  ]);
});

Deno.test("ingest() removes what is left of another pull of what is complete", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  const ref = `other-${LAYER.digest}`;
  {
    await using left = await writer.ingest(LAYER_DESCRIPTOR, {
      ...patient(),
      ref,
    });
    await left.write(LAYER.bytes.subarray(0, 10));
  }
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await ingest.write(LAYER.bytes);
  await ingest.commit();
  assert.equal((await filesOf(folder.path)).length, 4);
  await using _done = await writer.ingest(LAYER_DESCRIPTOR, {
    ...patient(),
    ref,
  });
  assert.equal((await filesOf(folder.path)).length, 1);
});

/** What a process that is killed in its commit() leaves: a folder of another name. */
async function leaveRenamed(root: string): Promise<string> {
  const [data] = (await filesOf(root)).filter((path) => path.endsWith("/data"));
  const folder = `${root}${data?.replace(/\/data$/, "")}`;
  await Deno.rename(folder, `${folder}.${crypto.randomUUID()}`);
  return folder;
}

Deno.test("ingest() removes what a commit() left that was killed", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  {
    await using first = await writer.ingest(LAYER_DESCRIPTOR, patient());
    await first.write(LAYER.bytes);
  }
  await leaveRenamed(folder.path);
  {
    await using _second = await writer.ingest(LAYER_DESCRIPTOR, patient());
  }
  // And one whose data had become the blob, which was removed since.
  const left = `${await leaveRenamed(folder.path)}.no-data`;
  await Deno.mkdir(left);
  await Deno.writeTextFile(`${left}/ref`, "of nobody");
  await using ingest = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await ingest.write(LAYER.bytes);
  await ingest.commit();
  assert.deepEqual(await filesOf(folder.path), [
    `/blobs/${LAYER.digest.replace(":", "/")}`,
  ]);
});

Deno.test("ingest() leaves alone what another commits", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await using _first = await writer.ingest(LAYER_DESCRIPTOR, patient());
  await leaveRenamed(folder.path); // Its lock is held.
  await using _second = await writer.ingest(LAYER_DESCRIPTOR, patient());
  assert.equal((await filesOf(folder.path)).length, 6);
});

const NAME = "docker.io/library/nginx:1.27";
const ENTRY = { mediaType: "text/plain", digest: digestOf("a"), size: 1 };

Deno.test("tag() makes an index, and gives a name to one alone", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  await writer.tag(NAME, ENTRY);
  await writer.tag("registry.example:5000/a:v1", ENTRY);
  await writer.tag(NAME, { ...ENTRY, digest: digestOf("b") });
  assert.deepEqual(await filesOf(folder.path), ["/index.json", "/oci-layout"]);
  const { manifests, schemaVersion } = await folder.index();
  assert.equal(schemaVersion, 2);
  const refs = manifests.map(({ digest, annotations }) => [
    annotations?.[REF_NAME],
    digest,
  ]);
  assert.deepEqual(refs, [
    ["registry.example:5000/a:v1", ENTRY.digest],
    [NAME, digestOf("b")],
  ]);
});

Deno.test("tag() keeps what others wrote, whatever it is", async () => {
  await using folder = await layoutFolder();
  const odd = { manifests: [7, null, { annotations: { x: 1 } }], extra: true };
  await folder.writeIndex(JSON.stringify(odd));
  await layoutWriter(folder.path).tag(NAME, ENTRY);
  const { manifests, ...rest } = await folder.index();
  assert.deepEqual(manifests.slice(0, 3), odd.manifests);
  assert.deepEqual(rest, { extra: true });
});

Deno.test("tag() leaves alone an index that it does not understand", async () => {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  for (const text of ["", "[]", "{}", '{"manifests":{}}', "null"]) {
    await folder.writeIndex(text);
    await assert.rejects(writer.tag(NAME, ENTRY), /is no OCI index/);
    assert.equal(await Deno.readTextFile(`${folder.path}/index.json`), text);
  }
  assert.deepEqual(await filesOf(folder.path), ["/index.json", "/oci-layout"]);
});

Deno.test.each(["1.27", "nginx", "docker.io/nginx", `a.b/c@${digestOf("a")}`])(
  "tag() gives no such name as %s",
  async (name) => {
    await using folder = await layoutFolder();
    const writer = layoutWriter(folder.path);
    await assert.rejects(writer.tag(name, ENTRY), TypeError);
  },
);

Deno.test("tag() loses no name of many writers", async () => {
  await using folder = await layoutFolder();
  const names = Array.from({ length: 20 }, (_none, n) => `a.example/b:v${n}`);
  await Promise.all(
    names.map((name) => layoutWriter(folder.path).tag(name, ENTRY)),
  );
  const { manifests } = await folder.index();
  const refs = manifests.map(({ annotations }) => annotations?.[REF_NAME]);
  assert.deepEqual(refs.sort(), names.sort());
});

Deno.test("tag() takes up what another tool writes meanwhile", async () => {
  await using folder = await layoutFolder();
  const other = { [REF_NAME]: "1.27" };
  await folder.refer(LAYER);
  const read = Deno.readTextFile;
  let reads = 0;
  Deno.readTextFile = async (path, options) => {
    const text = await read(path, options);
    if (reads++ === 0) await folder.refer(LAYER, other);
    return text;
  };
  try {
    await layoutWriter(folder.path).tag(NAME, ENTRY);
  } finally {
    Deno.readTextFile = read;
  }
  const { manifests } = await folder.index();
  const names = manifests.map(({ annotations }) => annotations?.[REF_NAME]);
  assert.deepEqual(names, [undefined, "1.27", NAME]);
  assert.deepEqual(
    (await filesOf(folder.path)).filter((path) => /index/.test(path)),
    ["/index.json"],
  );
});
