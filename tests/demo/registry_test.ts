/**
 * The demo's registry and its cable.
 *
 * @module
 */

import assert from "node:assert/strict";
import { demoImage } from "../../demo/image.ts";
import { type Rate, sharedRate } from "../../demo/rate.ts";
import { PASSWORD, startRegistry } from "../../demo/registry.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { layoutFolder } from "../layout/layout_folder.ts";

const { signal } = new AbortController();
const asUser = (user: string) => ({
  headers: { Authorization: `Basic ${btoa(`${user}:${PASSWORD}`)}` },
});

Deno.test("startRegistry() serves one image under any tag, and counts by user", async () => {
  await using folder = await layoutFolder();
  const options = { image: null, imageBytes: 1_000_000 };
  const image = await demoImage(folder.path, options, signal);
  await using registry = startRegistry(image, 10_000);
  const url = `http://${registry.address}/v2/a/b/manifests/any`;
  const head = await fetch(url, { method: "HEAD", ...asUser("one") });
  assert.equal(head.headers.get("Docker-Content-Digest"), image.root.digest);
  assert.equal(registry.sentTo("one"), 0);

  const get = async (user: string) =>
    await (await fetch(url, asUser(user))).bytes();
  const manifest = await get("one");
  assert.equal(digestOf(manifest), image.root.digest);
  await get("two");
  await get("two");
  assert.equal(registry.sentTo("one"), manifest.length);
  assert.equal(registry.sentTo("two"), 2 * manifest.length);
  assert.equal(registry.sentTo("three"), 0);
});

Deno.test("startRegistry() wants to know who asks", async () => {
  await using folder = await layoutFolder();
  const options = { image: null, imageBytes: 1_000_000 };
  const image = await demoImage(folder.path, options, signal);
  await using registry = startRegistry(image, 10_000);
  const url = `http://${registry.address}/v2/`;
  const nobody = await fetch(url);
  await nobody.body?.cancel();
  assert.equal(nobody.status, 401);
  assert.equal(nobody.headers.get("WWW-Authenticate"), 'Basic realm="demo"');
  const wrong = await fetch(url, { headers: { Authorization: "Basic %" } });
  await wrong.body?.cancel();
  assert.ok(wrong.status >= 400);
  const somebody = await fetch(url, asUser("one"));
  await somebody.body?.cancel();
  assert.equal(somebody.status, 200);
});

/** Tells whether bytes have to wait; they do so no longer than that takes. */
async function waits(rate: Rate, bytes: number): Promise<string> {
  const end = new AbortController();
  const passing = rate.pass(bytes, end.signal).then(() => "passes");
  const soon = new Promise<string>((resolve) =>
    setTimeout(() => resolve("waits"))
  );
  const first = await Promise.race([passing, soon]);
  end.abort();
  await passing;
  return first;
}

Deno.test("sharedRate() lets pass at once what the time allows, and keeps the rest waiting", async () => {
  let now = 0;
  const rate = sharedRate(1_000_000, () => now);
  await rate.pass(5_000, signal); // 5 ms: within what timers can tell.
  assert.equal(await waits(rate, 10_000_000), "waits");
  now = 20_000; // All of that has passed by now; a quiet moment saves up nothing.
  await rate.pass(5_000, signal);
  assert.equal(await waits(rate, 1_000_000), "waits");
});
