/** How much is read at once, alone and among many. @module */
import assert from "node:assert/strict";
import { chunkSize } from "../../src/content/chunk_size.ts";
import { fileBody } from "../../src/content/file_body.ts";
import { tailBody } from "../../src/content/tail_body.ts";

const KIB = 1024;

Deno.test("chunkSize() gives a few bodies all, and many of them less each", () => {
  using bodies = new DisposableStack();
  const first = bodies.use(chunkSize());
  assert.equal(first.bytes(), 256 * KIB);
  for (let more = 1; more < 16; more++) bodies.use(chunkSize());
  assert.equal(first.bytes(), 256 * KIB);
  for (let more = 16; more < 64; more++) bodies.use(chunkSize());
  assert.equal(first.bytes(), 64 * KIB);
  for (let more = 64; more < 1_000; more++) bodies.use(chunkSize());
  assert.equal(first.bytes(), 16 * KIB);
});

Deno.test("chunkSize() counts a body once, until its end", () => {
  const first = chunkSize();
  using bodies = new DisposableStack();
  for (let more = 1; more < 32; more++) bodies.use(chunkSize());
  assert.equal(first.bytes(), 128 * KIB);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using other = chunkSize();
  assert.equal(other.bytes(), 128 * KIB);
});

Deno.test.each([
  { name: "fileBody", bodyOf: fileBody },
  { name: "tailBody", bodyOf: tailBody },
])(
  "$name() no longer counts when it was sent, or is not wanted",
  async ({ bodyOf }) => {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, new Uint8Array(300 * KIB));
    const { signal } = new AbortController();
    const open = async () =>
      bodyOf(await Deno.open(path), { start: 0, end: 300 * KIB - 1 }, signal);
    for (let bodies = 0; bodies < 20; bodies++) {
      const { byteLength } = await new Response(await open()).arrayBuffer();
      assert.equal(byteLength, 300 * KIB);
      await (await open()).cancel();
    }
    using size = chunkSize();
    assert.equal(size.bytes(), 256 * KIB);
    await Deno.remove(path);
  },
);
