/**
 * A file that grows, as a body: every way in which it can end. The sanitizers
 * see a file that stays open.
 *
 * @module
 */

import assert from "node:assert/strict";
import { tailBody } from "../../src/content/tail_body.ts";
import type { ByteRange } from "../../src/oci/range.ts";
import { randomBytes } from "../suites/random.ts";
import {
  assertSameBytes,
  patient,
  readAll,
} from "../suites/source_requests.ts";

const BYTES = randomBytes(700_000, 5);
const ALL: ByteRange = { start: 0, end: BYTES.length - 1 };

/** A file with the first bytes, and a body of it. */
async function growing(
  first: number,
  part: ByteRange = ALL,
  signal: AbortSignal = patient().signal,
) {
  const folder = await Deno.makeTempDir({ prefix: "peili-tail-" });
  const path = `${folder}/data`;
  await Deno.writeFile(path, BYTES.subarray(0, first));
  return {
    path,
    folder,
    body: tailBody(await Deno.open(path), part, signal),
    append: (to: number) =>
      Deno.writeFile(path, BYTES.subarray(first, first = to), { append: true }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("tailBody() streams a file that is complete", async () => {
  await using file = await growing(BYTES.length);
  assertSameBytes(await readAll(file.body), BYTES, "complete");
});

Deno.test("tailBody() streams a file as it grows", async () => {
  await using file = await growing(0);
  const read = readAll(file.body);
  for (const to of [1, 2, 300_000, 300_001, BYTES.length]) {
    await file.append(to);
  }
  assertSameBytes(await read, BYTES, "grown");
});

Deno.test("tailBody() gives each byte as soon as it is there", async () => {
  await using file = await growing(0);
  const reader = file.body.getReader();
  for (let to = 1; to < 5; to++) {
    const next = reader.read();
    await file.append(to);
    assert.deepEqual((await next).value, BYTES.subarray(to - 1, to));
  }
  await reader.cancel();
});

Deno.test.each<[number, number]>([
  [0, 0],
  [5, 9],
  [299_999, 500_000],
  [BYTES.length - 1, BYTES.length - 1],
])("tailBody() gives the bytes %i to %i and no more", async (start, end) => {
  await using file = await growing(10, { start, end });
  const read = readAll(file.body);
  await file.append(BYTES.length);
  assertSameBytes(await read, BYTES.subarray(start, end + 1), "part");
});

Deno.test("tailBody() gives each chunk a buffer of its own", async () => {
  await using file = await growing(BYTES.length);
  const buffers = new Set<ArrayBufferLike>();
  let chunks = 0;
  for await (const { buffer } of file.body) {
    buffers.add(buffer);
    chunks++;
  }
  assert.ok(chunks > 1);
  assert.equal(buffers.size, chunks);
});

Deno.test("tailBody() goes on when the file is renamed", async () => {
  await using file = await growing(10);
  const reader = file.body.getReader();
  await reader.read();
  await file.append(BYTES.length);
  await Deno.rename(file.path, `${file.folder}/blob`);
  reader.releaseLock();
  assertSameBytes(await readAll(file.body), BYTES.subarray(10), "renamed");
});

Deno.test("tailBody() gives what is there of a file that is removed, then breaks", async () => {
  await using file = await growing(100);
  await Deno.remove(file.path);
  const reader = file.body.getReader();
  assert.deepEqual((await reader.read()).value, BYTES.subarray(0, 100));
  await assert.rejects(reader.read(), /given up/);
});

Deno.test("tailBody() closes the file of a body that nobody read", async () => {
  await using file = await growing(10);
  await file.body.cancel();
});

Deno.test("tailBody() closes the file of a body that is cancelled between reads", async () => {
  await using file = await growing(10);
  const reader = file.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.ok((await reader.read()).done);
});

Deno.test("tailBody() closes the file of a body that is cancelled while it waits", async () => {
  await using file = await growing(0);
  const reader = file.body.getReader();
  const next = reader.read();
  await reader.cancel();
  assert.ok((await next).done);
});

Deno.test("tailBody() ends with its signal while it waits", async () => {
  const ended = new AbortController();
  await using file = await growing(0, ALL, ended.signal);
  const next = file.body.getReader().read();
  ended.abort();
  await assert.rejects(next, { name: "AbortError" });
});

Deno.test("tailBody() ends with its signal though nobody reads", async () => {
  const ended = new AbortController();
  await using file = await growing(10, ALL, ended.signal);
  ended.abort(new Error("enough"));
  await assert.rejects(file.body.getReader().read(), /enough/);
});

Deno.test("tailBody() gives nothing when its signal has aborted before", async () => {
  await using file = await growing(10, ALL, AbortSignal.abort());
  await assert.rejects(readAll(file.body), { name: "AbortError" });
});

Deno.test("tailBody() does not hear its signal once it has ended", async () => {
  const ended = new AbortController();
  await using complete = await growing(BYTES.length, ALL, ended.signal);
  await using cancelled = await growing(10, ALL, ended.signal);
  assertSameBytes(await readAll(complete.body), BYTES, "complete");
  await cancelled.body.cancel();
  ended.abort();
});
