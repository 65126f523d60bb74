/** Which files are read to see whether they are manifests. @module */

import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { readIfManifest } from "../../src/content/manifest_file.ts";

/** Writes a file for as long as a test runs. */
async function written(bytes: Uint8Array<ArrayBuffer>) {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "content");
  await Deno.writeFile(path, bytes);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

const text = (content: string) => new TextEncoder().encode(content);

Deno.test.each([
  `{"schemaVersion":2}`,
  `{`,
  ` \n\t{"a": "${"x".repeat(100)}"}`,
])(
  "readIfManifest() reads all of what begins like JSON: %s",
  async (content) => {
    await using file = await written(text(content));
    assert.deepEqual(
      await readIfManifest(file.path, content.length),
      text(content),
    );
  },
);

Deno.test.each([
  ["gzip", new Uint8Array(3 << 20).fill(0x1f)],
  ["a tar", new Uint8Array(1024)],
  ["a list", text("[{}]")],
  ["nothing", text("")],
  ["space", text(" ".repeat(64) + "{}")],
])("readIfManifest() takes %s for no manifest", async (_what, bytes) => {
  await using file = await written(bytes);
  assert.equal(await readIfManifest(file.path, bytes.length), null);
});

Deno.test("readIfManifest() rejects when the file is shorter than it should be, or gone", async () => {
  const content = `{${" ".repeat(100)}`;
  await using file = await written(text(content));
  await assert.rejects(readIfManifest(file.path, content.length + 1));
  await assert.rejects(
    readIfManifest(`${file.path}-gone`, 3),
    Deno.errors.NotFound,
  );
});
