/** Images of Peili's own: what containerd is asked for. @module */

import assert from "node:assert/strict";
import type { ContainerdImage } from "../../src/containerd/client.ts";
import { type OwnContent, ownImages } from "../../src/containerd/own_image.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { type CallAnswers, fakeCalls } from "./fake_calls.ts";
import { fakeContainerd } from "./fake_containerd.ts";

const PLACE = { socket: "/nowhere", namespace: "k8s.io" };
const { signal } = new AbortController();

function content(text: string, more: Partial<OwnContent> = {}): OwnContent {
  const bytes = new TextEncoder().encode(text);
  return { mediaType: "a/b", bytes, digest: digestOf(text), ...more };
}

const PARTS = [content("config"), content("layer")];
const MANIFEST = content("manifest", {
  refersTo: PARTS.map(({ digest }) => digest),
});
const EXPIRES = new Date("2026-06-01T12:00:00Z");

function images(
  answers: CallAnswers = {},
  there: readonly ContainerdImage[] = [],
) {
  const calls = fakeCalls(answers);
  const { client } = fakeContainerd();
  const own = ownImages(PLACE, calls, {
    ...client,
    images: () => Promise.resolve(there),
  });
  return { calls, own };
}

Deno.test("ownImages() holds what it writes by a lease that ends", async () => {
  const { calls, own } = images();
  await own.make("a.b/c/d:e", [...PARTS, MANIFEST], {
    expires: EXPIRES,
    signal,
  });
  const [lease, ...rest] = calls.made;
  assert.deepEqual(lease?.request, {
    id: "a.b-c-d-e",
    labels: { "containerd.io/gc.expire": EXPIRES.toISOString() },
  });
  const writes = rest.filter(({ path }) => path.endsWith("/Write"));
  assert.deepEqual(
    writes.map(({ request, headers }) => [request.expected, headers]),
    [...PARTS, MANIFEST].map(({ digest }) => [
      digest,
      { "containerd-lease": "a.b-c-d-e" },
    ]),
  );
  assert.deepEqual(writes.at(-1)?.request.labels, {
    "containerd.io/gc.ref.content.config": PARTS[0]?.digest,
    "containerd.io/gc.ref.content.l.0": PARTS[1]?.digest,
  });
  assert.deepEqual(rest.at(-1)?.request.image, {
    name: "a.b/c/d:e",
    labels: { "containerd.io/gc.expire": EXPIRES.toISOString() },
    target: {
      ["media_type"]: "a/b",
      digest: MANIFEST.digest,
      size: MANIFEST.bytes.length,
    },
  });
});

Deno.test("ownImages() takes content that is there already", async () => {
  const exists = Object.assign(new Error("already exists"), { code: 6 });
  const { calls, own } = images({ "Content/Write": exists });
  await own.make("a.b/c:d", [MANIFEST], { expires: EXPIRES, signal });
  assert.deepEqual(calls.methods(), ["Create", "Write", "Create"]);
});

Deno.test("ownImages() makes no image of content that cannot be written", async () => {
  const full = Object.assign(new Error("disk is full"), { code: 8 });
  const { calls, own } = images({ "Content/Write": full });
  const making = own.make("a.b/c:d", [MANIFEST], { expires: EXPIRES, signal });
  await assert.rejects(making, full);
  assert.deepEqual(calls.methods(), ["Create", "Write"]);
});

Deno.test("ownImages() removes its images under all their names, and no other", async () => {
  const mine = digestOf("mine");
  const there = [
    { name: "a.b/c:d", target: mine },
    { name: `sha256:${"0".repeat(64)}`, target: mine },
    { name: "docker.io/library/redis:7", target: digestOf("redis") },
    { name: "a.b/cc:d", target: digestOf("another") },
  ];
  const leases = [{ id: "a.b-c-d" }, { id: "kubelet" }];
  const { calls, own } = images({ "Leases/List": { leases } }, there);
  assert.equal(await own.remove("a.b/c:", signal), 1);
  const deleted = calls.made.filter(({ path }) => path.endsWith("/Delete"));
  assert.deepEqual(deleted.map(({ request }) => request), [
    { name: "a.b/c:d" },
    { name: there[1]?.name },
    { id: "a.b-c-d", sync: true },
  ]);
});

Deno.test("ownImages() removes without CRI", async () => {
  const unknown = Object.assign(new Error("unknown service"), { code: 12 });
  const there = [{ name: "a.b/c:d", target: digestOf("mine") }];
  const { calls, own } = images({ "ImageService/RemoveImage": unknown }, there);
  assert.equal(await own.remove("a.b/c:", signal), 1);
  assert.deepEqual(calls.methods(), ["RemoveImage", "Delete", "List"]);
});
