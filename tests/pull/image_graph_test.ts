/**
 * Manifests and indexes, and what only looks like one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DOCKER_MANIFEST, OCI_INDEX } from "../../src/oci/media_type.ts";
import { readImageNode } from "../../src/pull/image_graph.ts";
import { described, fakeImage, fakeIndex } from "./fake_registry.ts";

const IMAGE = fakeImage([10, 20]);
const bytesOf = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));

Deno.test("readImageNode() reads a manifest", () => {
  assert.deepEqual(readImageNode(IMAGE.manifest.bytes), {
    kind: "manifest",
    mediaType: IMAGE.manifest.mediaType,
    blobs: [IMAGE.config, ...IMAGE.layers].map(described),
  });
});

Deno.test("readImageNode() reads an index", () => {
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  const index = fakeIndex([
    [IMAGE.manifest, { platform: { ...platform, ["os.version"]: "1" } }],
    [IMAGE.manifest, { platform: { os: 1 } }],
    [IMAGE.manifest, {}],
  ]);
  const entry = described(IMAGE.manifest);
  assert.deepEqual(readImageNode(index.bytes), {
    kind: "index",
    mediaType: OCI_INDEX,
    manifests: [{ ...entry, platform }, entry, entry],
  });
});

const GOOD = { ...described(IMAGE.config) };
const MALFORMED: Record<string, unknown> = {
  "no config": { layers: [] },
  "another digest": { config: { ...GOOD, digest: "md5:x" }, layers: [] },
  "a path for a digest": {
    config: { ...GOOD, digest: "sha256:../../x" },
    layers: [],
  },
  "no size": { config: { ...GOOD, size: undefined }, layers: [] },
  "a negative size": { config: { ...GOOD, size: -1 }, layers: [] },
  "a size that is no number": {
    config: GOOD,
    layers: [{ ...GOOD, size: "1" }],
  },
  "a huge size": { config: GOOD, layers: [{ ...GOOD, size: 2 ** 60 }] },
  "null for a layer": { config: GOOD, layers: [null] },
};

Deno.test.each(Object.keys(MALFORMED).map((what) => ({ what })))(
  "readImageNode() refuses a manifest with $what",
  ({ what }) => {
    const manifest = Object(MALFORMED[what]);
    const head = { schemaVersion: 2, mediaType: DOCKER_MANIFEST };
    assert.throws(
      () => readImageNode(bytesOf({ ...head, ...manifest })),
      /whose manifest is malformed/,
    );
  },
);

Deno.test.each([
  { what: "an old one", value: { schemaVersion: 1, fsLayers: [] } },
  { what: "another type", value: { schemaVersion: 2, mediaType: "x/y" } },
  { what: "no object", value: [] },
])("readImageNode() refuses $what", ({ value }) => {
  assert.throws(
    () => readImageNode(bytesOf(value)),
    /neither a manifest nor an index/,
  );
});
