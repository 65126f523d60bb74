/**
 * What is read in containerd's labels.
 *
 * @module
 */

import assert from "node:assert/strict";
import { entryOf } from "../../src/containerd/labels.ts";
import { digestOf } from "../../src/oci/digest.ts";

const digest = digestOf("content");

/** The entry of content with labels, which all begin alike. */
function childrenOf(labels: Record<string, string>) {
  const entries = Object.entries(labels).map(([end, value]) => [
    `containerd.io/gc.ref.content.${end}`,
    value,
  ]);
  const { blobs, manifests } = entryOf({
    digest,
    size: 1,
    labels: Object.fromEntries(entries),
  });
  return { blobs, manifests };
}

Deno.test("entryOf() takes an image's parts for blobs", () => {
  assert.deepEqual(childrenOf({ config: "c", "l.0": "a", "l.1": "b" }), {
    blobs: ["c", "a", "b"],
    manifests: [],
  });
});

Deno.test("entryOf() takes what has no word beside a config or layer for a blob", () => {
  // An artifact: its config is known, its layers are not.
  assert.deepEqual(childrenOf({ "1": "a", config: "c", "2": "b" }), {
    blobs: ["c", "a", "b"],
    manifests: [],
  });
});

Deno.test("entryOf() takes no index inside an index for a blob", () => {
  // As ctr leaves the archive of an image for two platforms.
  assert.deepEqual(childrenOf({ "m.0": "image", "1": "index" }), {
    blobs: [],
    manifests: ["image", "index"],
  });
  assert.deepEqual(childrenOf({ "0": "index", "1": "other" }), {
    blobs: [],
    manifests: ["index", "other"],
  });
});

Deno.test("entryOf() reads where content is from", () => {
  const labels = {
    "containerd.io/distribution.source.ghcr.io": "me/app,me/other",
    "containerd.io/gc.root": "now",
    "containerd.io/gc.ref.snapshot.overlayfs": "s",
  };
  assert.deepEqual(entryOf({ digest, size: 1, labels }), {
    digest,
    blobs: [],
    manifests: [],
    origins: [
      { host: "ghcr.io", repository: "me/app" },
      { host: "ghcr.io", repository: "me/other" },
    ],
  });
});
