/**
 * The folders below certs.d.
 * @module
 */

import assert from "node:assert/strict";
import {
  isHostsFolder,
  registryFolders,
  registryOf,
} from "../../src/hosts/folders.ts";

Deno.test.each([
  { registry: "docker.io", folders: ["docker.io", "_default"] },
  {
    registry: "foo.bar:5000",
    folders: ["foo.bar_5000_", "foo.bar:5000", "_default"],
  },
  {
    registry: "[fd00::1]:5000",
    folders: ["[fd00::1]_5000_", "[fd00::1]:5000", "_default"],
  },
])("registryFolders() gives containerd's order for $registry", (row) => {
  assert.deepEqual(registryFolders(row.registry), row.folders);
});

Deno.test.each(["", ".", "..", "../x", "a/b", "a\0b", "a b", ".a", "_a"])(
  "registryFolders() has none for '%s'",
  (registry) => assert.deepEqual(registryFolders(registry), []),
);

Deno.test("isHostsFolder() takes registries and _default, and nothing else", () => {
  for (const folder of ["_default", "foo.bar:5000", "foo.bar_5000_", "a"]) {
    assert.ok(isHostsFolder(folder), folder);
  }
  for (const folder of ["..", "_backup", ".hidden", "..data", "a_b"]) {
    assert.ok(!isHostsFolder(folder), folder);
  }
});

Deno.test.each([
  { folder: "docker.io", registry: "docker.io" },
  { folder: "foo.bar_5000_", registry: "foo.bar:5000" },
  { folder: "[fd00::1]_5000_", registry: "[fd00::1]:5000" },
  { folder: "_default", registry: null },
])("registryOf() gives $registry for $folder", ({ folder, registry }) => {
  assert.equal(registryOf(folder), registry);
});
