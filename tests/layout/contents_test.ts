/**
 * Listings that several ask for at once.
 *
 * @module
 */

import assert from "node:assert/strict";
import { layoutContents } from "../../src/layout/contents.ts";
import { recordedLog } from "../recorded.ts";
import { layoutFolder, REF_NAME } from "./layout_folder.ts";
import { image, putAll } from "./layout_images.ts";

Deno.test("list() gives who asks meanwhile a listing that begins later, one for all", async () => {
  await using folder = await layoutFolder();
  const { list, latest } = layoutContents(folder.path, recordedLog());
  assert.equal(latest(), null);
  const [first, second, third] = await Promise.all([list(), list(), list()]);
  assert.notEqual(first, second);
  assert.equal(second, third);
  assert.equal(latest(), third);
});

Deno.test("list() fails for who asked, and works again after", async () => {
  await using folder = await layoutFolder();
  const { list, latest } = layoutContents(`${folder.path}/usb`, recordedLog());
  const all = await Promise.allSettled([list(), list()]);
  assert.deepEqual(all.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(latest(), null);
  await Deno.mkdir(`${folder.path}/usb`);
  assert.equal((await list()).contents.size, 0);
});

Deno.test("list() tells what is odd once, and when it is another thing again", async () => {
  await using folder = await layoutFolder();
  const log = recordedLog();
  const { list } = layoutContents(folder.path, log);
  const { pieces, manifest } = image(1);
  await putAll(folder, pieces);
  for (const name of ["1.27", "1.28"]) {
    await folder.refer(manifest, { [REF_NAME]: name });
    await list();
    await list();
  }
  assert.deepEqual(log.lines.map(({ name }) => name), ["1.27", "1.28"]);
});
