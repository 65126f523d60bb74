/** The folders of `certs.d`. @module */

import assert from "node:assert/strict";
import { readHostsFolders } from "../../src/doctor/hosts_folders.ts";
import { temporaryFolder } from "../hosts/temporary_folder.ts";

Deno.test("readHostsFolders() reads what containerd would open", async () => {
  await using folder = await temporaryFolder({
    "_default/hosts.toml": 'server = "https://a"\n',
    "10.0.0.9_5000_/hosts.toml": "",
    "docker.io/ca.crt": "",
    "quay.io/hosts.toml": "no toml",
    "_other/hosts.toml": "",
    ".draft/hosts.toml": "",
    "a-file": "",
  });
  const folders = await readHostsFolders(folder.path);
  assert.deepEqual(
    folders.map(({ name, file, broken }) => [
      name,
      file?.server ?? (file ? "" : null),
      broken !== null,
    ]),
    [
      ["10.0.0.9_5000_", "", false],
      ["_default", "https://a", false],
      ["docker.io", null, false],
      ["quay.io", null, true],
    ],
  );
});

Deno.test("readHostsFolders() reads a file that is a link", async () => {
  await using folder = await temporaryFolder({
    "text": 'server = "https://a"',
  });
  const { path } = folder;
  await Deno.mkdir(`${path}/certs.d/_default`, { recursive: true });
  await Deno.symlink(`${path}/text`, `${path}/certs.d/_default/hosts.toml`);
  await Deno.symlink(`${path}/none`, `${path}/certs.d/dangling`);
  const [found] = await readHostsFolders(`${path}/certs.d`);
  assert.equal(found?.file?.server, "https://a");
});

Deno.test("readHostsFolders() tells whose hosts are whose", async () => {
  await using folder = await temporaryFolder({
    "_default/hosts.toml": `# peili: begin {"made":"folder"}
# peili: deployment one {"urls":["http://10.0.0.1:30020"]}
[host."http://10.0.0.1:30020"]
# peili: end
[host."https://mine"]
`,
  });
  const [found] = await readHostsFolders(folder.path);
  assert.deepEqual(found?.marked, ["http://10.0.0.1:30020"]);
  assert.deepEqual(found?.deployments, ["one"]);
  assert.equal(found?.file?.hosts.length, 2);
});

Deno.test("readHostsFolders() finds nothing where nothing is", async () => {
  assert.deepEqual(await readHostsFolders("/nowhere/certs.d"), []);
});
