/**
 * Names as tools write them into index.json.
 *
 * @module
 */

import assert from "node:assert/strict";
import { nameOf, namesOf } from "../../src/layout/names.ts";
import { digestOf } from "../../src/oci/digest.ts";

const REF = "org.opencontainers.image.ref.name";
const CONTAINERD = "io.containerd.image.name";

Deno.test.each<[string, string | null]>([
  ["docker.io/library/nginx:1.27", "docker.io/library/nginx:1.27"],
  ["docker.io/nginx:1.27", "docker.io/library/nginx:1.27"],
  ["nginx:1.27", "docker.io/library/nginx:1.27"],
  ["team/app:v1", "docker.io/team/app:v1"],
  ["ghcr.io/team/app:v1", "ghcr.io/team/app:v1"],
  ["localhost/app:v1", "localhost/app:v1"],
  ["localhost:5000/app:v1", "localhost:5000/app:v1"],
  ["registry:5000/team/app:v1", "registry:5000/team/app:v1"],
  ["[fd00::1]:5000/app:v1", "[fd00::1]:5000/app:v1"],
  ["1.27", null],
  ["latest", null],
  ["nginx", null],
  ["docker.io/library/nginx", null],
  [`docker.io/library/nginx:1.27@${digestOf("a")}`, null],
  ["docker.io/library/NGINX:1.27", null],
  ["../../etc/passwd:x", null],
  ["/etc/passwd:x", null],
  ["docker.io/../../a:x", null],
  ["a\0b:x", null],
  [":", null],
  ["", null],
])("nameOf() of %j is %j", (text, name) => {
  assert.equal(nameOf({ annotations: { [REF]: text } }), name);
});

Deno.test("nameOf() takes the name that nerdctl and docker save, not its tag", () => {
  const name = "docker.io/library/nginx:1.27";
  const annotations = { [REF]: "1.27", [CONTAINERD]: name };
  assert.equal(nameOf({ annotations }), name);
  const odd = { [REF]: name, [CONTAINERD]: digestOf("a") };
  assert.equal(nameOf({ annotations: odd }), name);
});

Deno.test.each([
  null,
  undefined,
  7,
  "text",
  [],
  {},
  { annotations: null },
  { annotations: "text" },
  { annotations: [] },
  { annotations: { [REF]: 7, [CONTAINERD]: null } },
])("nameOf() finds none in %j", (entry) => {
  assert.equal(nameOf(entry), null);
  assert.deepEqual(namesOf(entry), []);
});
