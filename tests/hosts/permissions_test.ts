/**
 * Installing with access to the configuration path and to nothing else.
 * @module
 */

import assert from "node:assert/strict";
import { temporaryFolder } from "./temporary_folder.ts";

const SOURCE = new URL("../../src/hosts/", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

const SCRIPT = `
import { configureHosts } from "${SOURCE}configure.ts";
import { mirrorHosts } from "${SOURCE}mirror_hosts.ts";
import { readRegistryHosts } from "${SOURCE}registry_hosts.ts";
const [path] = Deno.args;
const hosts = mirrorHosts({
  registries: ["https://docker.io", "https://foo:5000"],
  mirrorTargets: ["http://10.0.0.1:30020"],
});
const wanted = { deployment: "peili", hosts, keepExisting: false };
for (const { kind } of await configureHosts(path, wanted)) console.log(kind);
console.log((await readRegistryHosts(path, "foo:5000")).kind);
for (const { kind } of await configureHosts(path, { ...wanted, hosts: [] })) {
  console.log(kind);
}
`;

Deno.test.each([
  {
    name: "that exists",
    files: { "certs.d/docker.io/hosts.toml": "a = 1" },
    says: "written\nwritten\nhosts\nwritten\nremoved\n",
  },
  {
    name: "that is absent",
    files: { other: "" },
    says: "written\nwritten\nhosts\nremoved\nremoved\n",
  },
])("configureHosts() needs only the configuration path $name", async (row) => {
  await using at = await temporaryFolder({ ...row.files, "run.ts": SCRIPT });
  const path = `${at.path}/certs.d`;
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-lock",
      `--config=${CONFIG}`,
      `--allow-read=${path}`,
      `--allow-write=${path}`,
      `${at.path}/run.ts`,
      path,
    ],
  });
  const { stdout, stderr } = await command.output();
  const text = new TextDecoder();
  assert.equal(
    text.decode(stdout),
    row.says,
    text.decode(stderr),
  );
});
