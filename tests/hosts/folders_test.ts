/**
 * The folders below certs.d.
 * @module
 */

import assert from "node:assert/strict";
import {
  BACKUP_FOLDER,
  isHostsFolder,
  registryFolders,
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

Deno.test.each(["", ".", "..", "../x", "a/b", "a\0b", "a b", BACKUP_FOLDER])(
  "registryFolders() has none for '%s'",
  (registry) => assert.deepEqual(registryFolders(registry), []),
);

Deno.test("isHostsFolder() takes registries and _default, not the backup", () => {
  assert.ok(isHostsFolder("_default"));
  assert.ok(isHostsFolder("foo.bar:5000"));
  assert.ok(!isHostsFolder(BACKUP_FOLDER));
  assert.ok(!isHostsFolder(".."));
});
