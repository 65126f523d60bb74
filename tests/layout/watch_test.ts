/**
 * Watching a layout that others change: tools, copies, a stick that is pulled
 * out.
 *
 * @module
 */

import assert from "node:assert/strict";
import { catalog as makeCatalog } from "../../src/content/catalog.ts";
import type { ContentEvent } from "../../src/content/watcher.ts";
import { layoutContents } from "../../src/layout/contents.ts";
import { layoutStore } from "../../src/layout/store.ts";
import { layoutWatcher } from "../../src/layout/watch.ts";
import { layoutWriter } from "../../src/layout/writer.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { recordedLog } from "../recorded.ts";
import { eventually } from "../suites/eventually.ts";
import { patient } from "../suites/source_requests.ts";
import { watching } from "../suites/watching.ts";
import { ALLOWS_ALL, filledLayout } from "./filled_layout.ts";
import { type LayoutFolder, layoutFolder, REF_NAME } from "./layout_folder.ts";
import { image, type LayoutImage, putAll } from "./layout_images.ts";

const NAME = "docker.io/library/nginx:1.27";

const created = (digest: Digest): ContentEvent => ({ kind: "created", digest });
const deleted = (digest: Digest): ContentEvent => ({ kind: "deleted", digest });
const tagged = (name: string, digest: Digest): ContentEvent => ({
  kind: "tagged",
  name,
  digest,
});

/** A store of a path, which listens to the system alone. */
function storeAt(path: string) {
  const log = recordedLog();
  const reconcileMs = 1e9;
  const store = layoutStore({ path, filter: ALLOWS_ALL, log, reconcileMs });
  return { ...store, log };
}

/** What a tool writes that knows nothing of Peili, as `skopeo copy` does. */
async function write(folder: LayoutFolder, { pieces, manifest }: LayoutImage) {
  await putAll(folder, pieces);
  await folder.refer(manifest, { [REF_NAME]: NAME });
}

Deno.test("layoutWatcher() waits for a folder that is not there yet, and says so once", async () => {
  await using folder = await layoutFolder();
  const { watcher, log } = storeAt(`${folder.path}/usb`);
  await using watch = watching(watcher);
  await log.line("the layout is away; waiting for it");
  assert.deepEqual(watch.told(), []);
  const one = image(1);
  await using other = await layoutFolder();
  await write(other, one);
  await Deno.rename(other.path, `${folder.path}/usb`);
  await watch.until(tagged(NAME, one.manifest.digest));
  await Deno.rename(`${folder.path}/usb`, other.path);
  const warnings = log.lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
});

Deno.test("layoutWatcher() tells of an image that a tool writes into an empty folder", async () => {
  await using filled = await filledLayout();
  await using watch = watching(filled.watcher);
  assert.deepEqual(await watch.first(), []);
  const one = image(1);
  await write(filled.folder, one);
  await watch.until(tagged(NAME, one.manifest.digest));
  for (const { digest } of one.pieces) await watch.until(created(digest));
});

Deno.test("layoutWatcher() tells of what the writer commits, and of its name", async () => {
  await using filled = await filledLayout();
  await using watch = watching(filled.watcher);
  await watch.first();
  const writer = layoutWriter(filled.folder.path);
  const { pieces, manifest } = image(1);
  for (const { descriptor, bytes } of pieces) {
    await using ingest = await writer.ingest(descriptor, patient());
    await ingest.write(bytes);
    await ingest.commit();
    await watch.until(created(descriptor.digest));
  }
  await writer.tag(NAME, manifest.descriptor);
  await watch.until(tagged(NAME, manifest.digest));
  assert.equal(watch.told().length, pieces.length + 1, "each thing once");
});

Deno.test("layoutWatcher() tells of a blob only when all of it was copied in", async () => {
  await using filled = await filledLayout();
  const { folder } = filled;
  const { pieces, layer, manifest } = image(1);
  await putAll(folder, pieces);
  const path = folder.pathOf(layer.digest);
  await Deno.truncate(path, 100);
  await using watch = watching(filled.watcher);
  assert.ok((await watch.first()).length === 2, "manifest and config");
  const rest = layer.bytes.subarray(100);
  await Deno.writeFile(path, rest.subarray(0, 100), { append: true });
  await folder.refer(manifest, { [REF_NAME]: NAME }); // A listing comes after this.
  await watch.until(tagged(NAME, manifest.digest));
  assert.ok(
    !watch.told().some((event) =>
      event.kind === "created" && event.digest === layer.digest
    ),
  );
  await Deno.writeFile(path, rest.subarray(100), { append: true });
  await watch.until(created(layer.digest));
});

Deno.test("layoutWatcher() sees folders that come later, and hears of what is in them", async () => {
  await using filled = await filledLayout();
  const { folder } = filled;
  await using watch = watching(filled.watcher);
  await watch.first();
  await Deno.mkdir(`${folder.path}/blobs`);
  const [one, two] = [image(1), image(2)];
  await putAll(folder, one.pieces);
  await watch.until(created(one.layer.digest));
  await putAll(folder, two.pieces);
  await watch.until(created(two.layer.digest));
});

Deno.test("layoutWatcher() tells that all is gone with the folder, and that all is back", async () => {
  await using filled = await filledLayout();
  const { folder } = filled;
  const one = image(1);
  await write(folder, one);
  const { watcher, log } = storeAt(folder.path);
  await using watch = watching(watcher);
  await watch.first();
  const away = `${folder.path}-away`;
  await Deno.rename(folder.path, away);
  await Deno.writeTextFile(`${away}/touched`, ""); // As unmounting would tell.
  await watch.until(deleted(one.manifest.digest));
  await watch.until({ kind: "untagged", name: NAME });
  await Deno.rename(away, folder.path);
  await watch.until(tagged(NAME, one.manifest.digest), 2);
  await log.line("the layout is back");
});

Deno.test("layoutWatcher() turns to another folder that is put in its place", async () => {
  await using folder = await layoutFolder();
  await using other = await layoutFolder();
  const [one, two] = [image(1), image(2)];
  await write(folder, one);
  await write(other, two);
  const { watcher } = storeAt(folder.path);
  await using watch = watching(watcher);
  await watch.first();
  const away = `${folder.path}-away`;
  await Deno.rename(folder.path, away);
  await Deno.rename(other.path, folder.path);
  await Deno.writeTextFile(`${away}/touched`, "");
  await watch.until(created(two.layer.digest));
  await watch.until(deleted(one.layer.digest));
  // And it hears of what happens there.
  const three = image(3);
  await putAll(folder, three.pieces);
  await watch.until(created(three.layer.digest));
  await Deno.rename(away, other.path);
});

/** Longer than any change waits for its listing, in milliseconds. */
const BUSY_MS = 700;

Deno.test("layoutWatcher() does not list because an ingest grows or content is read", async () => {
  await using folder = await layoutFolder();
  const { path } = folder;
  const log = recordedLog();
  const writer = layoutWriter(path);
  const { layer, manifest, pieces } = image(1);
  await putAll(folder, pieces.filter((piece) => piece !== layer));
  await using ingest = await writer.ingest(layer.descriptor, patient());

  const contents = layoutContents(path, log);
  let listings = 0;
  const counted = {
    ...contents,
    list: () => contents.list().finally(() => listings++),
  };
  const catalog = makeCatalog({ filter: ALLOWS_ALL, onOddName() {} });
  const deps = { path, contents: counted, catalog, log };
  await using watch = watching(layoutWatcher(deps, { reconcileMs: 1e9 }));
  await watch.first();
  // The second one is for what came while the first was under way.
  await eventually("it was listed twice", () => listings === 2);
  const end = performance.now() + BUSY_MS;
  while (performance.now() < end && ingest.offset < layer.bytes.length - 1) {
    await ingest.write(layer.bytes.subarray(ingest.offset, ingest.offset + 1));
    await Deno.readFile(folder.pathOf(manifest.digest)); // No change either.
  }
  assert.equal(listings, 2);
  await folder.refer(manifest, { [REF_NAME]: NAME });
  await watch.until(tagged(NAME, manifest.digest));
});

Deno.test("layoutWatcher() takes a path as people write it, through links too", async () => {
  await using folder = await layoutFolder();
  await using links = await layoutFolder();
  await Deno.symlink(folder.path, `${links.path}/usb`);
  const { watcher } = storeAt(`${links.path}//usb/`);
  await using watch = watching(watcher);
  await watch.first();
  for (const seed of [1, 2]) {
    const { pieces, layer } = image(seed);
    await putAll(folder, pieces);
    await watch.until(created(layer.digest));
  }
});
