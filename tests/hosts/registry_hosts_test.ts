/**
 * Reading a registry's hosts in containerd's order.
 * @module
 */

import assert from "node:assert/strict";
import { readRegistryHosts } from "../../src/hosts/registry_hosts.ts";
import { temporaryFolder } from "./temporary_folder.ts";

async function serverOf(path: string, registry: string): Promise<unknown> {
  const found = await readRegistryHosts(path, registry);
  return found?.kind === "hosts" ? found.file.server : found;
}

Deno.test("readRegistryHosts() takes the first folder of containerd's order", async () => {
  await using at = await temporaryFolder({
    "foo_5000_/hosts.toml": "server = 'http://first'",
    "foo:5000/hosts.toml": "server = 'http://hidden'",
    "bar:5000/hosts.toml": "server = 'http://second'",
    "_default/hosts.toml": "server = 'http://last'",
  });
  assert.equal(await serverOf(at.path, "foo:5000"), "http://first");
  assert.equal(await serverOf(at.path, "bar:5000"), "http://second");
  assert.equal(await serverOf(at.path, "docker.io"), "http://last");
});

Deno.test("readRegistryHosts() merges nothing from a later folder", async () => {
  await using at = await temporaryFolder({
    "docker.io/ca.crt": "",
    "_default/hosts.toml": "server = 'http://last'",
  });
  assert.deepEqual(await readRegistryHosts(at.path, "docker.io"), {
    kind: "hosts",
    path: `${at.path}/docker.io`,
    file: { ca: ["ca.crt"], hosts: [] },
  });
});

Deno.test("readRegistryHosts() takes the first path of a list that has the registry", async () => {
  await using one = await temporaryFolder({ "a/hosts.toml": "server = 'x'" });
  await using two = await temporaryFolder({ "b/hosts.toml": "server = 'y'" });
  const list = `/absent:${one.path}/:${two.path}`;
  assert.equal(await serverOf(list, "a"), "x");
  assert.equal(await serverOf(list, "b"), "y");
});

Deno.test("readRegistryHosts() has null for what is not there", async () => {
  await using at = await temporaryFolder({ "a/hosts.toml": "" });
  assert.equal(await readRegistryHosts(at.path, "b"), null);
  assert.equal(await readRegistryHosts(`${at.path}/absent`, "a"), null);
  assert.equal(await readRegistryHosts(`${at.path}/a`, "../a"), null);
  assert.equal(await readRegistryHosts("", "a"), null);
});

Deno.test("readRegistryHosts() says why a file cannot be used", async () => {
  await using at = await temporaryFolder({
    "a/hosts.toml": "server = ",
    "b": "not a folder",
  });
  const a = await readRegistryHosts(at.path, "a");
  assert.match(a?.kind === "invalid" ? a.reason : "", /^Cannot read hosts/);
  const b = await readRegistryHosts(at.path, "b");
  assert.equal(b?.kind, "invalid");
});
