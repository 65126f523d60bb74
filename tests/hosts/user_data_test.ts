/**
 * The script for a machine's user data: run, its files are as if configured.
 * @module
 */

import assert from "node:assert/strict";
import { configureHosts } from "../../src/hosts/configure.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { userData } from "../../src/hosts/user_data.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const DEPLOYMENT = "peili";

function hostsAt(address: string) {
  return mirrorHosts({
    registries: ["_default", "http://foo:5000"],
    mirrorTargets: [`http://${address}:30020`],
    placeholder: true,
  });
}

async function run(script: string, env: Record<string, string>): Promise<void> {
  const child = new Deno.Command("sh", {
    args: ["-s"],
    env,
    stdin: "piped",
    stderr: "piped",
  }).spawn();
  const [{ success, stderr }] = await Promise.all([
    child.output(),
    new Blob([script]).stream().pipeTo(child.stdin),
  ]);
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test.each([
  { name: "as it is", given: "10.0.0.1", env: {}, address: "10.0.0.1" },
  {
    name: "filled in",
    given: "NODE_IP",
    env: { NODE_IP: "10.0.0.1" },
    address: "10.0.0.1",
  },
  {
    name: "filled in, in brackets",
    given: "NODE_IP",
    env: { NODE_IP: "fd00::1" },
    address: "[fd00::1]",
  },
])("userData() writes what configureHosts() keeps: $name", async (row) => {
  await using at = await temporaryFolder();
  const configPath = `${at.path}/it's/certs.d`;
  const options = { configPath, deployment: DEPLOYMENT };
  await run(userData({ ...options, hosts: hostsAt(row.given) }), row.env);
  const written = await at.files();
  assert.deepEqual(Object.keys(written).sort(), [
    "it's/certs.d/_default/hosts.toml",
    "it's/certs.d/foo:5000/hosts.toml",
  ]);
  const wanted = {
    deployment: DEPLOYMENT,
    hosts: hostsAt(row.address),
    keepExisting: false,
  };
  for (const { edited } of await configureHosts(configPath, wanted)) {
    assert.ok(!edited);
  }
  const urls = Object.values(await at.files()).map((text) =>
    /\[host\."(.*)"\]/.exec(text)?.[1]
  );
  assert.deepEqual(urls, Array(2).fill(`http://${row.address}:30020`));
  await configureHosts(configPath, { ...wanted, hosts: [] });
  assert.deepEqual(await at.files(), {});
});

Deno.test("userData() leaves alone what is there", async () => {
  await using at = await temporaryFolder({ "_default/hosts.toml": "# mine" });
  const hosts = hostsAt("10.0.0.1");
  const configPath = at.path;
  await run(userData({ configPath, deployment: DEPLOYMENT, hosts }), {});
  assert.equal(await at.read("_default/hosts.toml"), "# mine");
  assert.match(await at.read("foo:5000/hosts.toml"), /10\.0\.0\.1/);
});
