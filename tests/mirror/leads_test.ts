/**
 * Leading: where a node's containerd is sent, and for how long a node remembers
 * why.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Leads, leads } from "../../src/mirror/leads.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { errorResponse, RegistryError } from "../../src/oci/error.ts";
import type { ContentRequest } from "../../src/oci/request.ts";

const DIGEST = digestOf("layer");
const OTHER = digestOf("other");
const REQUEST: ContentRequest = {
  kind: "blob",
  registry: "ghcr.io",
  repository: "team/app",
  digest: DIGEST,
};

/** A memory that knows every registry, and its clock. */
function memory(): Leads & { pass(ms: number): void } {
  let now = 0;
  const all = leads((name) => Promise.resolve(`https://${name}`), () => now);
  return { ...all, pass: (ms) => void (now += ms) };
}

const SENT: { request: ContentRequest; code: string; location: string }[] = [
  {
    request: REQUEST,
    code: "BLOB_UNKNOWN",
    location: `https://ghcr.io/v2/team/app/blobs/${DIGEST}`,
  },
  {
    request: { ...REQUEST, kind: "manifest" },
    code: "MANIFEST_UNKNOWN",
    location: `https://ghcr.io/v2/team/app/manifests/${DIGEST}`,
  },
  {
    request: { ...REQUEST, registry: "10.99.0.2:5000" },
    code: "BLOB_UNKNOWN",
    location: `https://10.99.0.2:5000/v2/team/app/blobs/${DIGEST}`,
  },
];

Deno.test.each(SENT)(
  "leads() sends containerd to $location",
  async ({ request, code, location }) => {
    const redirect = await memory().redirect(request);
    assert.ok(redirect instanceof RegistryError);
    assert.equal(redirect.code, code);
    const response = errorResponse(redirect, "GET");
    assert.equal(response.status, 307);
    assert.equal(response.headers.get("Location"), location);
    assert.match(await response.text(), new RegExp(`"code":"${code}"`));
  },
);

Deno.test("leads() asks for the registry of the request and no other", async () => {
  const asked: string[] = [];
  const { redirect } = leads((registry) => {
    asked.push(registry);
    return Promise.resolve("http://10.0.0.1:5000/mirror");
  });
  const told = await redirect(REQUEST);
  assert.deepEqual(asked, ["ghcr.io"]);
  assert.equal(
    told?.headers.Location,
    `http://10.0.0.1:5000/mirror/v2/team/app/blobs/${DIGEST}`,
  );
});

Deno.test("leads() sends nobody where nobody knows the registry", async () => {
  const { redirect } = leads(() => Promise.resolve(null));
  assert.equal(await redirect(REQUEST), null);
});

Deno.test("leads() sends nobody without a registry, and asks for none", async () => {
  const { redirect } = leads(() => assert.fail("asked"));
  const { registry: _, ...request } = REQUEST;
  assert.equal(await redirect(request), null);
});

Deno.test("leads() decides nothing that was not told", () => {
  assert.ok(!memory().takeDecided(DIGEST));
});

Deno.test("leads() takes what was expected once, and only that", () => {
  const { expect, takeDecided } = memory();
  expect(DIGEST);
  assert.ok(!takeDecided(OTHER));
  assert.ok(takeDecided(DIGEST));
  assert.ok(!takeDecided(DIGEST), "peers are asked again");
});

Deno.test("leads() expects nothing for longer than 10 s", () => {
  const { expect, takeDecided, pass } = memory();
  expect(DIGEST);
  pass(9_999);
  assert.ok(takeDecided(DIGEST));
  expect(DIGEST);
  pass(10_000);
  assert.ok(!takeDecided(DIGEST));
});

Deno.test("leads() goes upstream with what was corrupt for 10 min, each time", () => {
  const { distrust, takeDecided, pass } = memory();
  distrust(DIGEST);
  assert.ok(takeDecided(DIGEST));
  pass(599_999);
  assert.ok(takeDecided(DIGEST));
  assert.ok(!takeDecided(OTHER));
  pass(1);
  assert.ok(!takeDecided(DIGEST));
});

Deno.test("leads() goes on to distrust what was expected, too", () => {
  const { distrust, expect, takeDecided } = memory();
  distrust(DIGEST);
  expect(DIGEST);
  assert.deepEqual([takeDecided(DIGEST), takeDecided(DIGEST)], [true, true]);
});

Deno.test("leads() remembers a bounded number of digests, the last ones", () => {
  const { distrust, expect, takeDecided } = memory();
  const digests = Array.from({ length: 5_000 }, (_, n) => digestOf(`${n}`));
  for (const digest of digests) expect(digest);
  const taken = digests.map(takeDecided);
  assert.equal(taken.filter(Boolean).length, 4_096);
  assert.equal(taken.findIndex(Boolean), 5_000 - 4_096);
  digests.forEach(distrust);
  assert.equal(digests.filter(takeDecided).length, 4_096);
});

Deno.test("leads() measures by a clock that does not go back", () => {
  const { expect, takeDecided } = leads(() => Promise.resolve(null));
  expect(DIGEST);
  assert.ok(takeDecided(DIGEST));
});
