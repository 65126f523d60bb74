/**
 * Names of images as people write them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parseWantedImage } from "../../src/pull/image_name.ts";

const HEX = "a".repeat(64);

const NAMES: { text: string; name: string; url: string }[] = [
  {
    text: "redis",
    name: "docker.io/library/redis:latest",
    url: "https://registry-1.docker.io",
  },
  {
    text: "redis:7",
    name: "docker.io/library/redis:7",
    url: "https://registry-1.docker.io",
  },
  {
    text: "me/app",
    name: "docker.io/me/app:latest",
    url: "https://registry-1.docker.io",
  },
  {
    text: "index.docker.io/redis",
    name: "docker.io/library/redis:latest",
    url: "https://registry-1.docker.io",
  },
  {
    text: "ghcr.io/me/app:v1",
    name: "ghcr.io/me/app:v1",
    url: "https://ghcr.io",
  },
  {
    text: `ghcr.io/me/app@sha256:${HEX}`,
    name: `ghcr.io/me/app@sha256:${HEX}`,
    url: "https://ghcr.io",
  },
  {
    text: `redis:7@sha256:${HEX}`,
    name: `docker.io/library/redis:7@sha256:${HEX}`,
    url: "https://registry-1.docker.io",
  },
  {
    text: "localhost/app",
    name: "localhost/app:latest",
    url: "http://localhost",
  },
  {
    text: "127.0.0.1:5000/app:v1",
    name: "127.0.0.1:5000/app:v1",
    url: "http://127.0.0.1:5000",
  },
  {
    text: "https://127.0.0.1:5000/app:v1",
    name: "127.0.0.1:5000/app:v1",
    url: "https://127.0.0.1:5000",
  },
  {
    text: "http://10.0.0.5:5000/a/b",
    name: "10.0.0.5:5000/a/b:latest",
    url: "http://10.0.0.5:5000",
  },
  {
    text: "[fd00::9]:5000/app",
    name: "[fd00::9]:5000/app:latest",
    url: "https://[fd00::9]:5000",
  },
];

Deno.test.each(NAMES)("parseWantedImage() reads $text as $name", (row) => {
  const image = parseWantedImage(row.text);
  assert.ok(image);
  assert.deepEqual([image.name, image.registryUrl], [row.name, row.url]);
});

Deno.test("parseWantedImage() takes a digest for the target, and gives no name then", () => {
  const target = `sha256:${HEX}`;
  const image = parseWantedImage(`ghcr.io/app:v1@${target}`);
  assert.deepEqual([image?.target, image?.tag], [target, null]);
  const tagged = parseWantedImage("ghcr.io/app:v1");
  assert.deepEqual([tagged?.target, tagged?.tag], ["v1", "ghcr.io/app:v1"]);
});

Deno.test.each([
  "",
  "UPPER",
  "redis:",
  "redis:7:8",
  "ghcr.io/",
  "ghcr.io/app@sha256:short",
  "ghcr.io/app:v1@",
  "ftp://ghcr.io/app",
  "http://",
  "a b",
  "../app",
  "app/../../v2",
  "app:v1?x=y",
  "app#v1",
  "me@ghcr.io/app",
])("parseWantedImage() refuses '%s'", (text) => {
  assert.equal(parseWantedImage(text), null);
});
