/** What containerd's own configuration says about pulling images. @module */

import assert from "node:assert/strict";
import { readContainerdConfig } from "../../src/hosts/containerd_config.ts";
import {
  type CriSettings,
  criSettings,
  isAtLeast,
} from "../../src/hosts/cri_settings.ts";
import { DENO_FILES } from "../../src/hosts/file_operations.ts";
import { temporaryFolder } from "./temporary_folder.ts";

/** Reads these files, `config.toml` first, as containerd `version` does. */
async function settings(
  files: Record<string, string>,
  version: string,
): Promise<CriSettings> {
  await using folder = await temporaryFolder(files);
  const path = `${folder.path}/config.toml`;
  const config = await readContainerdConfig(path, DENO_FILES);
  assert.ok(config);
  const read = criSettings(config, version);
  return Object.fromEntries(
    Object.entries(read).map(([name, { value, file }]) => [
      name,
      { value, file: file?.replace(`${folder.path}/`, "") ?? null },
    ]),
  ) as unknown as CriSettings;
}

const OLD = 'plugins."io.containerd.grpc.v1.cri"';
const NEW = 'plugins."io.containerd.cri.v1.images"';

Deno.test("criSettings() knows containerd's defaults", async () => {
  const { configPath, snapshotter, ...rest } = await settings(
    { "config.toml": "version = 2\n" },
    "1.7.24",
  );
  assert.deepEqual(configPath, { value: "", file: null });
  assert.deepEqual(snapshotter, { value: "overlayfs", file: null });
  assert.equal(rest.maxConcurrentDownloads.value, 3);
  assert.ok(!rest.legacyRegistry.value);
});

Deno.test.each([
  {
    name: "format 1",
    version: "1.6.20",
    text: '[plugins.cri.registry]\nconfig_path = "/a"\n' +
      '[plugins.cri.containerd]\nsnapshotter = "native"\n',
  },
  {
    name: "format 2",
    version: "1.7.24",
    text: `version = 2\n[${OLD}.registry]\nconfig_path = "/a"\n` +
      `[${OLD}.containerd]\nsnapshotter = "native"\n`,
  },
  {
    name: "format 2 in containerd 2",
    version: "2.1.4",
    text: `version = 2\n[${OLD}.registry]\nconfig_path = "/a"\n` +
      `[${OLD}.containerd]\nsnapshotter = "native"\n` +
      `[${OLD}.containerd.runtimes.runc]\n`,
  },
  {
    name: "format 3",
    version: "2.3.4",
    text: `version = 3\n[${NEW}]\nsnapshotter = "native"\n` +
      `[${NEW}.registry]\nconfig_path = "/a"\n`,
  },
])("criSettings() reads $name", async ({ version, text }) => {
  const read = await settings({ "config.toml": text }, version);
  assert.deepEqual(read.configPath, { value: "/a", file: "config.toml" });
  assert.deepEqual(read.snapshotter, { value: "native", file: "config.toml" });
});

Deno.test("criSettings() leaves out what containerd 2 leaves out of format 2", async () => {
  // Without runtimes its migration forgets the table (2.0 to 2.3, measured).
  const text = `version = 2\n[${OLD}.containerd]\n` +
    "discard_unpacked_layers = true\n";
  const files = { "config.toml": text };
  const read = (version: string) => settings(files, version);
  assert.ok((await read("1.7.24")).discardUnpackedLayers.value);
  assert.ok(!(await read("2.1.9")).discardUnpackedLayers.value);
});

Deno.test("criSettings() ignores the old section in format 3", async () => {
  const text = `version = 3\n[${OLD}.registry]\nconfig_path = "/a"\n`;
  const { configPath } = await settings({ "config.toml": text }, "2.1.4");
  assert.deepEqual(configPath, { value: "", file: null });
});

Deno.test("criSettings() merges imports as each containerd does", async () => {
  const files = {
    "config.toml": `version = 2\nimports = ["d/*.toml"]\n[${OLD}]\n` +
      `max_concurrent_downloads = 7\n[${OLD}.registry]\nconfig_path = "/a"\n`,
    "d/x.toml": `version = 2\n[${OLD}.registry]\nconfig_path = "/b"\n`,
  };
  const [old, now] = [
    await settings(files, "1.7.24"),
    await settings(files, "2.1.4"),
  ];
  for (const { configPath } of [old, now]) {
    assert.deepEqual(configPath, { value: "/b", file: "d/x.toml" });
  }
  // containerd 1.x replaces the plugin's whole section.
  assert.equal(old.maxConcurrentDownloads.value, 3);
  assert.equal(now.maxConcurrentDownloads.value, 7);
});

Deno.test("criSettings() knows the list that is containerd 2.2's default", async () => {
  const list = "/etc/containerd/certs.d:/etc/docker/certs.d";
  const read = async (text: string, version: string) =>
    (await settings({ "config.toml": text }, version)).configPath.value;
  assert.equal(await read("version = 3\n", "2.2.0"), list);
  assert.equal(await read("version = 3\n", "2.1.9"), "");
  const empty = `version = 3\n[${NEW}.registry]\nconfig_path = ""\n`;
  assert.equal(await read(empty, "2.3.4"), list);
  const mirrors =
    `version = 2\n[${OLD}.registry.mirrors."docker.io"]\nendpoint = []\n`;
  assert.equal(await read(mirrors, "2.3.4"), "");
});

Deno.test.each([
  { version: "1.6.20~ds1", least: "1.6", expected: true },
  { version: "1.5.11", least: "1.6", expected: false },
  { version: "2.0.0-rc.1", least: "1.7", expected: true },
  { version: "2.3.4+unknown", least: "2.1", expected: true },
  { version: "2.10.0", least: "2.9", expected: true },
  { version: "", least: "1.6", expected: false },
])("isAtLeast() compares $version with $least", (row) => {
  assert.equal(isAtLeast(row.version, row.least), row.expected);
});
