/**
 * Which requests are understood, and what the others are told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { type ErrorCode, RegistryError } from "../../src/oci/error.ts";
import { parseRequest, type RegistryRequest } from "../../src/oci/request.ts";

const DIGEST = digestOf("content");
const DIGEST_512 = digestOf("content", "sha512");

function parse(path: string, method = "GET"): RegistryRequest {
  return parseRequest(method, new URL(path, "http://127.0.0.1:5000"));
}

Deno.test.each(["/v2/", "/v2", "/v2/?ns=docker.io"])(
  "parseRequest() takes %s for a ping",
  (path) => assert.deepEqual(parse(path), { kind: "ping" }),
);

Deno.test.each([
  {
    path: `/v2/library/ubuntu/blobs/${DIGEST}?ns=docker.io`,
    request: { kind: "blob", registry: "docker.io" },
  },
  {
    path: `/v2/library/ubuntu/manifests/${DIGEST}?ns=docker.io`,
    request: { kind: "manifest", registry: "docker.io" },
  },
  {
    path: `/v2/library/ubuntu/blobs/${DIGEST.replace(":", "%3A")}?ns=a.b`,
    request: { kind: "blob", registry: "a.b" },
  },
  {
    path: `/v2/library/ubuntu/manifests/${DIGEST}?ns=10.0.0.1%3A5000&x=y`,
    request: { kind: "manifest", registry: "10.0.0.1:5000" },
  },
  {
    path: `/v2/library/ubuntu/manifests/${DIGEST}?ns=[::1]:5000`,
    request: { kind: "manifest", registry: "[::1]:5000" },
  },
])("parseRequest() reads $path", ({ path, request }) => {
  const expected = {
    ...request,
    repository: "library/ubuntu",
    digest: DIGEST,
  };
  assert.deepEqual(parse(path), expected);
  assert.deepEqual(parse(path, "HEAD"), expected);
});

Deno.test("parseRequest() reads a digest of another algorithm", () => {
  assert.deepEqual(parse(`/v2/a/blobs/${DIGEST_512}?ns=a.b`), {
    kind: "blob",
    registry: "a.b",
    repository: "a",
    digest: DIGEST_512,
  });
});

Deno.test("parseRequest() reads a tag", () => {
  const path = "/v2/a/b/manifests/V1.0_x-y?ns=localhost:5000";
  const expected = {
    kind: "tag",
    registry: "localhost:5000",
    repository: "a/b",
    tag: "V1.0_x-y",
  };
  assert.deepEqual(parse(path), expected);
  assert.deepEqual(parse(path, "HEAD"), expected);
});

Deno.test.each([
  { name: "library/ubuntu", is: "docker.io/library/ubuntu" },
  { name: "ubuntu", is: "docker.io/library/ubuntu" },
  { name: "docker.io/ubuntu", is: "docker.io/library/ubuntu" },
  { name: "ghcr.io/me/app", is: "ghcr.io/me/app" },
  { name: "localhost/app", is: "localhost/app" },
  { name: "10.0.0.1:5000/me/app", is: "10.0.0.1:5000/me/app" },
  { name: "10.0.0.1_5000/me/app", is: "10.0.0.1:5000/me/app" },
  { name: "registry_5000/app", is: "registry:5000/app" },
  { name: "[fd00::1]:5000/app", is: "[fd00::1]:5000/app" },
  // What begins like a port, but is none.
  { name: "me_5000x/app", is: "docker.io/me_5000x/app" },
  { name: "me_/app_5000", is: null },
  { name: "a/b_5000/c", is: "docker.io/a/b_5000/c" },
  { name: "app_5000", is: "docker.io/library/app_5000" },
  { name: "ghcr.io_500000/app", is: null },
])("parseRequest() without ns reads the name $name as $is", ({ name, is }) => {
  for (const end of ["", "?ns="]) {
    const tag = () => parse(`/v2/${name}/manifests/v1${end}`);
    if (is === null) {
      assert.throws(tag, { code: "NAME_INVALID" });
      continue;
    }
    const [registry, ...path] = is.split("/");
    const found = { registry, repository: path.join("/"), plain: true };
    assert.deepEqual(tag(), { kind: "tag", ...found, tag: "v1" });
    for (const kind of ["blob", "manifest"] as const) {
      assert.deepEqual(parse(`/v2/${name}/${kind}s/${DIGEST}${end}`), {
        kind,
        ...found,
        digest: DIGEST,
      });
    }
  }
});

Deno.test("parseRequest() takes the whole path for the name when there is ns", () => {
  assert.deepEqual(parse("/v2/ghcr.io/me/app/manifests/v1?ns=docker.io"), {
    kind: "tag",
    registry: "docker.io",
    repository: "ghcr.io/me/app",
    tag: "v1",
  });
});

Deno.test.each([
  "blobs",
  "manifests/blobs",
  "a/blobs/manifests",
  "a--b/c__d/e",
])("parseRequest() knows the repository %s from its endpoint", (repository) => {
  assert.deepEqual(parse(`/v2/${repository}/manifests/blobs?ns=a.b`), {
    kind: "tag",
    registry: "a.b",
    repository,
    tag: "blobs",
  });
});

const REFUSED: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ["NAME_INVALID", [
    "/",
    "/v1/",
    "/v2x",
    "/v2/a",
    "/v2/a/blobs/",
    "/v2/a/blobs",
    `/v2/blobs/${DIGEST}`,
    `/v2//blobs/${DIGEST}`,
    `/v2/A/blobs/${DIGEST}`,
    `/v2/a___b/blobs/${DIGEST}`,
    `/v2/a%2Fb/blobs/${DIGEST}`,
    `/v2/a/blobs/${DIGEST}/`,
    `/v2/${"a".repeat(256)}/blobs/${DIGEST}`,
    "/v2/ghcr.io/A/manifests/v1",
    "/v2/-a.b/app/manifests/v1",
    "/v2/a:b/app/manifests/v1",
    "/v2/ghcr.io//app/manifests/v1",
    "/v2/a/manifests/.v1?ns=docker.io",
    "/v2/a/manifests/v%201?ns=docker.io",
    "/v2/a/manifests/v%E0%A41?ns=docker.io",
    `/v2/a/manifests/${"a".repeat(129)}?ns=docker.io`,
    "/v2/a/manifests/v1?ns=http://docker.io",
    "/v2/a/manifests/v1?ns=docker.io/library",
    "/v2/a/manifests/v1?ns=::1",
    `/v2/a/blobs/${DIGEST}?ns=docker.io%0A`,
  ]],
  ["DIGEST_INVALID", [
    "/v2/a/blobs/v1?ns=docker.io",
    "/v2/a/blobs/sha256:abc",
    `/v2/a/blobs/${DIGEST.toUpperCase()}`,
    `/v2/a/blobs/md5:${"0".repeat(32)}`,
    "/v2/a/manifests/sha256:abc?ns=docker.io",
    `/v2/a/manifests/${DIGEST}0?ns=docker.io`,
    `/v2/a/manifests/v1@${DIGEST}?ns=docker.io`,
  ]],
  ["UNSUPPORTED", [
    "/v2/_catalog",
    "/v2/a/tags/list",
    "/v2/a/b/tags/list?n=1",
    `/v2/a/referrers/${DIGEST}`,
    "/v2/a/blobs/uploads/",
    "/v2/a/b/blobs/uploads/1234",
  ]],
];

Deno.test.each(
  REFUSED.flatMap(([code, paths]) => paths.map((path) => ({ code, path }))),
)("parseRequest() answers $path with $code", ({ code, path }) => {
  assert.throws(() => parse(path), {
    name: "RegistryError",
    code,
    status: 404,
  });
});

Deno.test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "parseRequest() answers %s with 405",
  (method) => {
    assert.throws(() => parse(`/v2/a/blobs/${DIGEST}`, method), (error) => {
      assert.ok(error instanceof RegistryError);
      assert.equal(error.code, "UNSUPPORTED");
      assert.equal(error.status, 405);
      assert.deepEqual(error.headers, { Allow: "GET, HEAD" });
      return true;
    });
  },
);
