/**
 * Descriptors in HTTP headers.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  descriptorFromHeaders,
  descriptorHeaders,
} from "../../src/oci/descriptor.ts";
import { digestOf } from "../../src/oci/digest.ts";

const WHOLE = {
  mediaType: "application/octet-stream",
  digest: digestOf("content"),
  size: 7,
};

/** The headers of the whole, with some changed or taken away. */
function headers(changes: Record<string, string | null>): Headers {
  const changed = descriptorHeaders(WHOLE);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) changed.delete(name);
    else changed.set(name, value);
  }
  return changed;
}

Deno.test("descriptorHeaders() names type, length and digest", () => {
  assert.deepEqual(Object.fromEntries(descriptorHeaders(WHOLE)), {
    "content-length": "7",
    "content-type": "application/octet-stream",
    "docker-content-digest": WHOLE.digest,
  });
});

Deno.test.each([0, 7, 5_000_000_000])(
  "descriptorFromHeaders() reads what descriptorHeaders() wrote of %s bytes",
  (size) => {
    const descriptor = { ...WHOLE, size };
    const read = descriptorFromHeaders(descriptorHeaders(descriptor));
    assert.deepEqual(read, descriptor);
  },
);

Deno.test("descriptorFromHeaders() reads the whole's size from a part", () => {
  const part = headers({
    "Content-Range": "bytes 2-3/7",
    "Content-Length": "2",
  });
  assert.deepEqual(descriptorFromHeaders(part), WHOLE);
});

Deno.test.each([
  { name: "no type", changes: { "Content-Type": null } },
  { name: "an empty type", changes: { "Content-Type": "" } },
  { name: "no length", changes: { "Content-Length": null } },
  { name: "a negative length", changes: { "Content-Length": "-1" } },
  { name: "a length in words", changes: { "Content-Length": "seven" } },
  { name: "two lengths", changes: { "Content-Length": "7, 7" } },
  { name: "no digest", changes: { "Docker-Content-Digest": null } },
  { name: "a bad digest", changes: { "Docker-Content-Digest": "sha256:x" } },
  { name: "another unit", changes: { "Content-Range": "items 2-3/7" } },
  { name: "a bad range", changes: { "Content-Range": "bytes 3-2/7" } },
  {
    name: "a range of unknown size",
    changes: { "Content-Range": "bytes 2-3/*" },
  },
])("descriptorFromHeaders() refuses $name", ({ changes }) => {
  assert.equal(descriptorFromHeaders(headers(changes)), null);
});
