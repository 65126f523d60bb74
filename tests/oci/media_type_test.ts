/**
 * Telling a manifest from a blob by its bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  MANIFEST_MAX_BYTES,
  manifestType,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/oci/media_type.ts";
import { CONTENT } from "../suites/content.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test.each([
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
])("manifestType() believes the mediaType %s", (mediaType) => {
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType });
  assert.equal(manifestType(bytesOf(manifest)), mediaType);
  assert.equal(manifestType(bytesOf(` \t\r\n${manifest}\n`)), mediaType);
});

Deno.test.each([
  { type: OCI_MANIFEST, text: '{"schemaVersion":2,"config":{},"layers":[]}' },
  { type: OCI_INDEX, text: '{"schemaVersion":2,"manifests":[]}' },
  {
    type: OCI_INDEX,
    text: '{"schemaVersion":2,"mediaType":null,"manifests":[]}',
  },
])("manifestType() tells $type by the shape of $text", ({ type, text }) => {
  assert.equal(manifestType(bytesOf(text)), type);
});

Deno.test.each([
  "",
  " ",
  "{",
  "{}",
  " { } ",
  "[]",
  "1",
  "null",
  '"text"',
  "{ not json }",
  '{"schemaVersion":2}',
  '{"schemaVersion":2,"layers":[]}',
  '{"schemaVersion":2,"config":{},"layers":{}}',
  '{"schemaVersion":2,"manifests":{}}',
  '{"schemaVersion":1,"manifests":[]}',
  '{"schemaVersion":"2","manifests":[]}',
  '{"config":{},"layers":[]}',
  '[{"schemaVersion":2,"manifests":[]}]',
  '{"architecture":"amd64","os":"linux","rootfs":{}}',
  '{"schemaVersion":2,"mediaType":"text/html","manifests":[]}',
  '{"schemaVersion":2,"mediaType":""}',
])("manifestType() takes '%s' for a blob", (text) => {
  assert.equal(manifestType(bytesOf(text)), null);
});

Deno.test("manifestType() tells the suite's manifests from its blobs", () => {
  for (const { name, bytes } of CONTENT.blobs) {
    assert.equal(manifestType(bytes), null, name);
  }
  for (const { name, bytes, mediaType } of CONTENT.manifests) {
    assert.equal(manifestType(bytes), mediaType, name);
  }
});

Deno.test("manifestType() takes what is too long for a blob", () => {
  const start = '{"schemaVersion":2,"manifests":[],"x":"';
  const fill = "x".repeat(MANIFEST_MAX_BYTES - start.length - 2);
  assert.equal(manifestType(bytesOf(`${start}${fill}"}`)), OCI_INDEX);
  assert.equal(manifestType(bytesOf(`${start}${fill}x"}`)), null);
});
