/**
 * Beside Spegel on one node: it moves the user's files to `_backup`, writes its
 * own, deletes what else is there whenever its pod starts, and moves the files
 * back when it is uninstalled. Seen with its version 0.7.4.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configureHosts } from "../../src/hosts/configure.ts";
import { parseHostsToml } from "../../src/hosts/hosts_toml.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary_folder.ts";

const USER = {
  "ghcr.io/hosts.toml": 'server = "https://ghcr.io"\n\n# mine\n' +
    '[host."https://own.example"]\n  capabilities = ["pull"]\n',
  "quay.io/ca.crt": "pem",
};

const SPEGEL = ["http://10.0.0.1:30020", "http://10.0.0.1:30021"];
const PEILI = ["http://10.0.0.1:30022", "http://10.0.0.1:30023"];

/** What Spegel's pod does when it starts. */
async function spegelStarts({ path, write }: TemporaryFolder): Promise<void> {
  const backup = `${path}/_backup`;
  const there = await namesIn(path);
  if (!there.includes("_backup")) {
    await Deno.mkdir(backup);
    for (const name of there) {
      await Deno.rename(`${path}/${name}`, `${backup}/${name}`);
    }
  }
  await removeAllButBackup(path);
  const hosts = SPEGEL.map((url) =>
    `[host.'${url}']\ncapabilities = ['pull', 'resolve']\ndial_timeout = '200ms'`
  );
  await write("_default/hosts.toml", hosts.join("\n\n"));
}

/** What it does on each node when it is uninstalled. */
async function spegelGoes({ path }: TemporaryFolder): Promise<void> {
  const backup = `${path}/_backup`;
  await removeAllButBackup(path);
  for (const name of await namesIn(backup)) {
    await Deno.rename(`${backup}/${name}`, `${path}/${name}`);
  }
  await Deno.remove(backup);
}

async function removeAllButBackup(path: string): Promise<void> {
  for (const name of await namesIn(path)) {
    if (name === "_backup") continue;
    await Deno.remove(`${path}/${name}`, { recursive: true });
  }
}

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

/** What Peili's pod does when it starts; with no targets, when it goes. */
async function peili(
  { path }: TemporaryFolder,
  mirrorTargets: readonly string[],
): Promise<void> {
  const hosts = mirrorTargets.length > 0 ? mirrorHosts({ mirrorTargets }) : [];
  const keepExisting = hosts.length === 0;
  await configureHosts(path, { deployment: "peili", hosts, keepExisting });
}

/** Whom containerd asks, in order, for a registry of this folder. */
async function asked(at: TemporaryFolder, folder: string): Promise<string[]> {
  const text = await at.read(`${folder}/hosts.toml`);
  return parseHostsToml(text).hosts.map(({ url }) => url);
}

Deno.test("configureHosts() goes before Spegel, changes nothing of its backup, and goes again", async () => {
  await using at = await temporaryFolder(USER);
  await spegelStarts(at);
  const before = await at.files();
  await peili(at, PEILI);
  assert.deepEqual(await asked(at, "_default"), [...PEILI, ...SPEGEL]);
  assert.equal(
    await at.read("_backup/ghcr.io/hosts.toml"),
    USER["ghcr.io/hosts.toml"],
  );
  await peili(at, []);
  assert.deepEqual(await at.files(), before);
});

Deno.test("configureHosts() comes back after Spegel deleted what it wrote, or has gone", async () => {
  await using at = await temporaryFolder(USER);
  await spegelStarts(at);
  await peili(at, PEILI);
  await spegelStarts(at);
  assert.deepEqual(await asked(at, "_default"), SPEGEL, "Peili is out");
  await peili(at, PEILI);
  assert.deepEqual(await asked(at, "_default"), [...PEILI, ...SPEGEL]);
  await spegelGoes(at);
  assert.deepEqual(await at.files(), USER, "Peili is out");
  // Upgraded to the ports that Spegel had.
  await peili(at, SPEGEL);
  assert.deepEqual(await asked(at, "_default"), SPEGEL);
  assert.deepEqual(await asked(at, "ghcr.io"), [
    ...SPEGEL,
    "https://own.example",
  ]);
  await peili(at, []);
  assert.deepEqual(await at.files(), USER);
});

Deno.test("configureHosts() after Spegel came second: its backup brings old entries back, and they go", async () => {
  await using at = await temporaryFolder(USER);
  await peili(at, PEILI);
  await spegelStarts(at);
  await peili(at, []);
  await spegelGoes(at);
  assert.deepEqual(await asked(at, "ghcr.io"), [
    ...PEILI,
    "https://own.example",
  ]);
  await peili(at, []);
  assert.deepEqual(await at.files(), USER);
});
