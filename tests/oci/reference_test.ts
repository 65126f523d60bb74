/**
 * Names of images, repositories, tags and registries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import {
  isRegistry,
  isRepository,
  isTag,
  parseImageName,
  registryHost,
  splitFamiliarName,
  tagKey,
} from "../../src/oci/reference.ts";

const DIGEST = digestOf("an image");

const REGISTRIES = [
  "docker.io",
  "quay.io",
  "docker.com:5000",
  "registry:5000",
  "localhost",
  "localhost:5000",
  "127.0.0.1",
  "127.0.0.1:5000",
  "[::1]",
  "[::1]:5000",
  "[2001:db8::1:2]:80",
  "123456789012.dkr.ecr.eu-north-1.amazonaws.com",
];

Deno.test.each(
  REGISTRIES,
)("parseImageName() takes names in %s apart", (registry) => {
  const repository = "library/ubuntu";
  const parts = { registry, repository };
  const name = `${registry}/${repository}`;
  assert.deepEqual(
    [`:24.04`, `:24.04@${DIGEST}`, `@${DIGEST}`]
      .map((end) => parseImageName(name + end)),
    [
      { ...parts, tag: "24.04" },
      { ...parts, tag: "24.04", digest: DIGEST },
      { ...parts, digest: DIGEST },
    ],
  );
});

Deno.test.each([
  { name: "a short name", text: "ubuntu:24.04" },
  { name: "the digest of a config", text: digestOf("config") },
  { name: "nothing", text: "" },
  { name: "a slash", text: "/" },
  { name: "no registry", text: "/library/ubuntu:1" },
  { name: "no repository", text: "docker.io/:1" },
  { name: "neither tag nor digest", text: "docker.io/library/ubuntu" },
  { name: "a scheme", text: "https://docker.io/library/ubuntu:1" },
  { name: "IPv6 without brackets", text: "::1/app:1" },
  { name: "IPv6 and port without brackets", text: "fd00::1:5000/app:1" },
  { name: "an upper-case repository", text: "docker.io/Library/ubuntu:1" },
  { name: "an empty tag", text: "docker.io/library/ubuntu:" },
  { name: "an empty digest", text: "docker.io/library/ubuntu:1@" },
  { name: "a short digest", text: "docker.io/library/ubuntu@sha256:abc" },
  { name: "two tags", text: "docker.io/library/ubuntu:1:2" },
  { name: "two digests", text: `docker.io/a@${DIGEST}@${DIGEST}` },
  { name: "an escape", text: "docker.io/library%2Fubuntu:1" },
  { name: "a port without number", text: "docker.io:/ubuntu:1" },
  { name: "a port that is too long", text: "docker.io:123456/ubuntu:1" },
  { name: "a space", text: "docker.io/library/ubuntu:1 " },
  { name: "a user", text: "me@docker.io/library/ubuntu:1" },
])("parseImageName() refuses $name", ({ text }) => {
  assert.equal(parseImageName(text), null);
});

Deno.test("tagKey() writes the name that parseImageName() reads", () => {
  const name = "[::1]:5000/a/b__c:V1.0-x_y";
  const parts = parseImageName(name);
  assert.ok(parts?.tag);
  assert.equal(tagKey({ ...parts, tag: parts.tag }), name);
});

Deno.test.each([
  { name: "redis", is: ["docker.io", "library/redis"] },
  { name: "redis:7", is: ["docker.io", "library/redis:7"] },
  { name: "me/app", is: ["docker.io", "me/app"] },
  { name: "library/redis:7", is: ["docker.io", "library/redis:7"] },
  { name: "docker.io/redis", is: ["docker.io", "library/redis"] },
  { name: "docker.io/me/app", is: ["docker.io", "me/app"] },
  { name: "index.docker.io/me/app", is: ["docker.io", "me/app"] },
  { name: "ghcr.io/app", is: ["ghcr.io", "app"] },
  { name: "ghcr.io/me/a.b/c", is: ["ghcr.io", "me/a.b/c"] },
  { name: "localhost/app", is: ["localhost", "app"] },
  { name: "localhost:5000/app", is: ["localhost:5000", "app"] },
  { name: "registry:5000/me/app", is: ["registry:5000", "me/app"] },
  { name: "10.0.0.1/app", is: ["10.0.0.1", "app"] },
  { name: "[::1]:5000/app", is: ["[::1]:5000", "app"] },
  { name: "registry/me/app", is: ["docker.io", "registry/me/app"] },
  { name: "ghcr.io", is: ["docker.io", "library/ghcr.io"] },
  { name: "ghcr.io/", is: ["ghcr.io", ""] },
  { name: "", is: ["docker.io", "library/"] },
])("splitFamiliarName() reads '$name' as Docker does", ({ name, is }) => {
  const { registry, path } = splitFamiliarName(name);
  assert.deepEqual([registry, path], is);
});

Deno.test.each([
  "a",
  "library/ubuntu",
  "a/b/c/d/e/f",
  "a--b",
  "a---------b",
  "a__b",
  "a_b.c-d",
  "blobs/manifests/blobs",
  "a".repeat(255),
])("isRepository() takes %s", (text) => assert.ok(isRepository(text)));

Deno.test.each([
  "",
  "A",
  "a___b",
  "a..b",
  "a._b",
  "-a",
  "a-",
  "a/",
  "/a",
  "a//b",
  "a b",
  "a%2Fb",
  "ä",
  "../a",
  "a".repeat(256),
  `${"a-".repeat(127)}!`,
])("isRepository() refuses '%s'", (text) => assert.ok(!isRepository(text)));

Deno.test.each(["latest", "V1", "_x", "1.0-rc_1", "a".repeat(128)])(
  "isTag() takes %s",
  (text) => assert.ok(isTag(text)),
);

Deno.test.each(["", ".a", "-a", "a:b", "a/b", "a+b", "a ", "a".repeat(129)])(
  "isTag() refuses '%s'",
  (text) => assert.ok(!isTag(text)),
);

Deno.test.each(REGISTRIES)(
  "isRegistry() takes %s",
  (text) => assert.ok(isRegistry(text)),
);

Deno.test.each([
  "",
  "http://a",
  "a/b",
  "a:b",
  "a:",
  ":5000",
  "-a",
  "a-",
  "a b",
  "::1",
  "[::1",
  "[]",
  "a?b",
  "a#b",
  "me@a",
  "a".repeat(256),
])("isRegistry() refuses '%s'", (text) => assert.ok(!isRegistry(text)));

Deno.test.each([
  { registry: "docker.io", host: "docker.io" },
  { registry: "registry:5000", host: "registry" },
  { registry: "10.99.0.2:5000", host: "10.99.0.2" },
  { registry: "10.99.0.2", host: "10.99.0.2" },
  { registry: "[fd00::9]:5000", host: "fd00::9" },
  { registry: "[fd00::9]", host: "fd00::9" },
  { registry: "fd00::9", host: "fd00::9" }, // As containerd's labels say it.
])("registryHost() of $registry is $host", ({ registry, host }) => {
  assert.equal(registryHost(registry), host);
});
