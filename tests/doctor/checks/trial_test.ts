/** The trial: what it tells, and that nothing of it stays. @module */

import assert from "node:assert/strict";
import type {
  OwnContent,
  OwnImages,
} from "../../../src/containerd/own_image.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import { runChecks } from "../../../src/doctor/check.ts";
import { trial } from "../../../src/doctor/checks/trial.ts";
import { fixLines } from "../../../src/doctor/fix.ts";
import { type FakeNode, fakeNode } from "../fake_node.ts";

/** A containerd that makes images, and what was done to it in order. */
interface FakeImages extends OwnImages {
  readonly done: string[];
  readonly contents: OwnContent[];
  name: string;
  onPull: (signal: AbortSignal) => Promise<void>;
}

function fakeImages(): FakeImages {
  const images: FakeImages = {
    done: [],
    contents: [],
    name: "",
    onPull: () => Promise.resolve(),
    make(name, contents) {
      images.done.push("make");
      images.name = name;
      images.contents.push(...contents);
      return Promise.resolve();
    },
    pull(name, { signal }) {
      assert.equal(name, images.name);
      images.done.push("pull");
      return images.onPull(signal);
    },
    remove(prefix) {
      assert.ok(images.name.startsWith(prefix));
      images.done.push("remove");
      return Promise.resolve(1);
    },
    [Symbol.dispose]: () => void images.done.push("closed"),
  };
  return images;
}

const WHOLE = ["remove", "make", "pull", "remove", "closed"];

/** Lets a mirror at `host:port` give the image, as `asked` notes. */
function serves(
  { web }: FakeNode,
  host: string,
  images: FakeImages,
): void {
  const get = web.get.bind(web);
  web.get = (key) => {
    const [, path = ""] = key.split(`${host}/v2/peili-doctor/trial/`);
    if (path === "") return get(key);
    const manifest = images.contents.at(-1);
    const part = path.startsWith("manifests/")
      ? manifest
      : images.contents.find(({ digest }) => path.endsWith(digest));
    return () => new Response(part?.bytes as BodyInit, { status: 200 });
  };
}

/** A node whose mirror, and whose peer's mirror, give the image. */
async function servedNode(images: FakeImages): Promise<FakeNode> {
  const node = await fakeNode();
  serves(node, "10.0.0.1:30020", images);
  return node;
}

async function tryOut(
  node: FakeNode,
  images: FakeImages,
  signal: AbortSignal = new AbortController().signal,
): Promise<CheckResult> {
  images.name ||= "peili-doctor.invalid/peili-doctor/trial:";
  const check = trial(node.facts(), () => images);
  const [result] = await runChecks([check], signal);
  assert.ok(result);
  return result;
}

Deno.test("trial() pulls through Peili and removes all", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  const { verdict, findings } = await tryOut(node, images);
  assert.equal(verdict, "ok");
  assert.match(
    findings[0]?.saw ?? "",
    /^containerd pulled this node's image through Peili in \d+ ms; no peer/,
  );
  assert.deepEqual(images.done, WHOLE);
  assert.match(
    images.name,
    /^peili-doctor.invalid\/peili-doctor\/trial:[0-9a-f]+$/,
  );
});

Deno.test("trial() lets a peer get the image", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  serves(node, "10.0.0.2:30020", images);
  const { findings } = await tryOut(node, images);
  assert.match(
    findings[0]?.saw ?? "",
    /, 10.0.0.2:30020 got it from here in \d+ ms$/,
  );
});

Deno.test("trial() warns of a peer that does not get it", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  const get = node.web.get.bind(node.web);
  node.web.get = (key) =>
    key.startsWith("10.0.0.2:30020/")
      ? () => new Response(null, { status: 404 })
      : get(key);
  const { verdict, findings } = await tryOut(node, images);
  assert.equal(verdict, "warning");
  assert.match(
    findings[0]?.saw ?? "",
    /^10.0.0.2:30020 does not get this node's image: status 404/,
  );
  assert.deepEqual(images.done, WHOLE);
});

Deno.test("trial() says how Peili sees what containerd has", async () => {
  const images = fakeImages();
  await using node = await fakeNode();
  node.web.set("10.0.0.1:30020/livez", () => new Response("ok\n"));
  const get = node.web.get.bind(node.web);
  node.web.get = (key) =>
    key.includes("/v2/") ? () => new Response(null, { status: 404 }) : get(key);
  const { verdict, findings: [finding] } = await tryOut(node, images);
  assert.equal(verdict, "problem");
  assert.match(
    finding?.saw ?? "",
    /^Peili at http:\/\/10.0.0.1:30020 does not give an image that containerd/,
  );
  const lines = fixLines(finding?.fix ?? []);
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? "", /--containerd-namespace=k8s.io/);
  assert.deepEqual(images.done, ["remove", "make", "remove", "closed"]);
});

Deno.test("trial() names a containerd that does not ask Peili", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  images.onPull = () => Promise.reject(new Error("no such host"));
  const { verdict, findings: [finding] } = await tryOut(node, images);
  assert.equal(verdict, "problem");
  assert.equal(
    finding?.saw,
    "containerd does not ask Peili for images: no such host",
  );
  const lines = fixLines(finding?.fix ?? []);
  assert.match(lines[0] ?? "", /^peili configure .*certs.d$/);
  assert.match(lines[1] ?? "", /^peili configure .*--apply$/);
  assert.equal(lines[2], "systemctl restart containerd");
  assert.deepEqual(images.done, WHOLE);
});

Deno.test("trial() names other bytes than were asked for", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  const get = node.web.get.bind(node.web);
  node.web.get = (key) =>
    key.includes("/blobs/") ? () => new Response("other") : get(key);
  const { findings: [finding] } = await tryOut(node, images);
  assert.match(finding?.saw ?? "", /: other bytes for blobs\/sha256:/);
});

Deno.test("trial() removes the image also when it is ended", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  const end = new AbortController();
  images.onPull = (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      end.abort(new Error("ended"));
    });
  await tryOut(node, images, end.signal);
  assert.deepEqual(images.done, WHOLE);
});

Deno.test("trial() removes what was made of an image that could not be", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  images.make = () => Promise.reject(new Error("disk is full"));
  const { verdict, findings } = await tryOut(node, images);
  assert.equal(verdict, "warning");
  assert.equal(findings[0]?.saw, "cannot be looked at: disk is full");
  assert.deepEqual(images.done, ["remove", "remove", "closed"]);
});

Deno.test("trial() does without CRI", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  node.containerd.plugins = [];
  const { verdict, findings } = await tryOut(node, images);
  assert.equal(verdict, "ok");
  assert.match(findings[0]?.saw ?? "", /^Peili gave this node's image in/);
  assert.ok(!images.done.includes("pull"));
});

Deno.test("trial() asks in the name of a registry that is Peili's", async () => {
  const images = fakeImages();
  await using node = await servedNode(images);
  const { folder } = node;
  const hosts = await folder.read("certs.d/_default/hosts.toml");
  await Deno.remove(`${folder.path}/certs.d`, { recursive: true });
  await folder.write("certs.d/10.0.0.9_5000_/hosts.toml", hosts);
  images.name = "10.0.0.9:5000/peili-doctor/trial:";
  const { verdict } = await tryOut(node, images);
  assert.equal(verdict, "ok");
  assert.match(images.name, /^10.0.0.9:5000\/peili-doctor\/trial:/);
});

Deno.test("trial() makes nothing where Peili does not run", async () => {
  const images = fakeImages();
  await using node = await fakeNode();
  node.web.clear();
  const { verdict } = await tryOut(node, images);
  assert.equal(verdict, "skipped");
  assert.deepEqual(images.done, []);
});
