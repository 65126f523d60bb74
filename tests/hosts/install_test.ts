/**
 * Putting hosts.toml in place beside what the user has.
 * @module
 */

import assert from "node:assert/strict";
import { parseHostsToml } from "../../src/hosts/hosts_toml.ts";
import { installHosts } from "../../src/hosts/install.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const USER = `# mine
server = "https://own.example"
ca = "own.pem"

[host."http://10.0.0.1:30020"]
[host."https://own-mirror.example"]
skip_verify = true
future = 1
`;

const MIRROR = ["http://10.0.0.1:30020"];
const EVERY = mirrorHosts({ mirrorTargets: MIRROR });
const DOCKER = mirrorHosts({
  registries: ["https://docker.io"],
  mirrorTargets: MIRROR,
});

async function modeOf(path: string): Promise<string> {
  const { mode } = await Deno.stat(path);
  return ((mode ?? 0) & 0o777).toString(8);
}

Deno.test("installHosts() makes folders and files that everybody can read", async () => {
  await using at = await temporaryFolder();
  const path = `${at.path}/certs.d`;
  const outcomes = await installHosts(`${path}/`, EVERY);
  assert.deepEqual(outcomes, [{ kind: "written", folder: "_default" }]);
  assert.deepEqual(Object.keys(await at.files()), [
    "certs.d/_default/hosts.toml",
  ]);
  assert.equal(await modeOf(path), "755");
  assert.equal(await modeOf(`${path}/_default`), "755");
  assert.equal(await modeOf(`${path}/_default/hosts.toml`), "644");
});

Deno.test("installHosts() does not rewrite what is already so", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await installHosts(at.path, DOCKER);
  const before = await at.files();
  const { ino } = await Deno.stat(`${at.path}/docker.io/hosts.toml`);
  const outcomes = await installHosts(at.path, DOCKER);
  assert.deepEqual(outcomes, [{ kind: "unchanged", folder: "docker.io" }]);
  assert.deepEqual(await at.files(), before);
  const after = await Deno.stat(`${at.path}/docker.io/hosts.toml`);
  assert.equal(after.ino, ino);
});

Deno.test("installHosts() keeps the user's hosts, server, settings and other files", async () => {
  await using at = await temporaryFolder({
    "docker.io/hosts.toml": USER,
    "docker.io/own.pem": "pem",
    "quay.io/hosts.toml": "server = 1",
  });
  await installHosts(at.path, DOCKER);
  const { "docker.io/hosts.toml": text, ...rest } = await at.files();
  assert.deepEqual(rest, {
    "_peili_backup/docker.io/hosts.toml": USER,
    "docker.io/own.pem": "pem",
    "quay.io/hosts.toml": "server = 1",
  });
  assert.deepEqual(parseHostsToml(text ?? ""), {
    server: "https://own.example",
    ca: "own.pem",
    hosts: [
      {
        url: "http://10.0.0.1:30020",
        capabilities: ["pull", "resolve"],
        dialTimeout: "1s",
      },
      {
        url: "https://own-mirror.example",
        skipVerify: true,
        other: { future: 1n },
      },
    ],
  });
});

Deno.test("installHosts() replaces its own hosts and keeps the user's when options change", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await installHosts(at.path, DOCKER);
  const moved = mirrorHosts({
    registries: ["https://docker.io"],
    mirrorTargets: ["http://10.0.0.2:30020"],
  });
  await installHosts(at.path, moved);
  const file = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.equal(file.server, "https://own.example");
  assert.deepEqual(file.hosts.map(({ url }) => url), [
    "http://10.0.0.2:30020",
    "https://own-mirror.example",
  ]);
});

Deno.test("installHosts() follows a registry that changes its scheme", async () => {
  await using at = await temporaryFolder();
  for (const scheme of ["http", "https"]) {
    const registries = [`${scheme}://foo:5000`];
    await installHosts(
      at.path,
      mirrorHosts({ registries, mirrorTargets: MIRROR }),
    );
    const file = parseHostsToml(await at.read("foo:5000/hosts.toml"));
    assert.equal(file.server, `${scheme}://foo:5000`);
  }
  assert.deepEqual(Object.keys(await at.files()), ["foo:5000/hosts.toml"]);
});

Deno.test("installHosts() keeps what the user adds to its file, and a second copy", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await installHosts(at.path, DOCKER);
  const edited = await at.read("docker.io/hosts.toml") +
    '\n[host."https://later.example"]\n';
  await at.write("docker.io/hosts.toml", edited);
  await installHosts(
    at.path,
    mirrorHosts({
      registries: ["https://docker.io"],
      mirrorTargets: ["http://10.0.0.2:30020"],
    }),
  );
  const file = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.deepEqual(file.hosts.map(({ url }) => url), [
    "http://10.0.0.2:30020",
    "https://own-mirror.example",
    "https://later.example",
  ]);
  const backup = "_peili_backup/docker.io/hosts.toml";
  assert.equal(await at.read(backup), USER);
  assert.equal(await at.read(`${backup}.1`), edited);
});

Deno.test("installHosts() copies a text of the user's only once", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await installHosts(at.path, DOCKER);
  await at.write("docker.io/hosts.toml", USER);
  await installHosts(at.path, DOCKER);
  const names = Object.keys(await at.files()).sort();
  assert.deepEqual(names, [
    "_peili_backup/docker.io/hosts.toml",
    "docker.io/hosts.toml",
  ]);
});

Deno.test("installHosts() keeps certificates in use that had no hosts.toml", async () => {
  await using at = await temporaryFolder({ "docker.io/ca.crt": "pem" });
  await installHosts(at.path, DOCKER);
  await at.write("docker.io/new.crt", "pem");
  await installHosts(at.path, DOCKER);
  const { ca } = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.deepEqual(ca, ["ca.crt", "new.crt"]);
});

Deno.test("installHosts() does not bring in certificates that the user's file left out", async () => {
  await using at = await temporaryFolder({
    "docker.io/ca.crt": "pem",
    "docker.io/hosts.toml": 'server = "https://own.example"\n',
  });
  await installHosts(at.path, DOCKER);
  await installHosts(at.path, DOCKER);
  const { ca } = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.equal(ca, undefined);
});

Deno.test("installHosts() writes into the folder that containerd prefers", async () => {
  await using at = await temporaryFolder({ "foo_5000_/hosts.toml": USER });
  const registries = ["https://foo:5000"];
  const outcomes = await installHosts(
    at.path,
    mirrorHosts({ registries, mirrorTargets: MIRROR }),
  );
  assert.deepEqual(outcomes, [{ kind: "written", folder: "foo_5000_" }]);
  const names = Object.keys(await at.files()).sort();
  assert.deepEqual(names, [
    "_peili_backup/foo_5000_/hosts.toml",
    "foo_5000_/hosts.toml",
  ]);
});

Deno.test("installHosts() does not open to others what the user closed", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await Deno.chmod(`${at.path}/docker.io/hosts.toml`, 0o600);
  await installHosts(at.path, DOCKER);
  for (const name of Object.keys(await at.files())) {
    assert.equal(await modeOf(`${at.path}/${name}`), "600", name);
  }
});

Deno.test("installHosts() leaves alone what it cannot read, reports it, and goes on", async () => {
  await using at = await temporaryFolder({
    "a/hosts.toml": "server = ",
    "b/hosts.toml": 'ca = "\ufffd',
    "d": "a file",
    "target.toml": USER,
    "c/other": "",
  });
  await Deno.writeFile(`${at.path}/b/hosts.toml`, new Uint8Array([0xff]));
  await Deno.symlink("../target.toml", `${at.path}/c/hosts.toml`);
  const before = await at.files();
  const lines: unknown[] = [];
  const outcomes = await installHosts(
    at.path,
    mirrorHosts({
      registries: ["a", "b", "c", "d", "e"].map((name) => `https://${name}`),
      mirrorTargets: MIRROR,
    }),
    {
      log: {
        info: (_, fields) => void lines.push(["info", fields?.folder]),
        warn: (_, fields) => void lines.push(["warn", fields?.folder]),
      },
    },
  );
  const { "e/hosts.toml": _, ...after } = await at.files();
  assert.deepEqual(after, before);
  const whys = outcomes.map((one) => "why" in one ? one.why : one.kind);
  assert.match(whys[0] ?? "", /^Cannot read hosts\.toml: Invalid TOML/);
  assert.deepEqual(whys.slice(1), [
    "Cannot read hosts.toml: not UTF-8",
    "hosts.toml is not a regular file",
    "not a folder",
    "written",
  ]);
  assert.deepEqual(lines.map(String), [
    "warn,a",
    "warn,b",
    "warn,c",
    "warn,d",
    "info,e",
  ]);
});

Deno.test("installHosts() clears what a run that was cut off left", async () => {
  await using at = await temporaryFolder({
    "_default/.peili-unfinished-x": "half",
    "_default/.keep": "mine",
  });
  await installHosts(at.path, EVERY);
  const names = Object.keys(await at.files()).sort();
  assert.deepEqual(names, ["_default/.keep", "_default/hosts.toml"]);
});

Deno.test.each(["", "/a:/b"])(
  "installHosts() rejects the configuration path '%s'",
  async (path) => {
    await assert.rejects(installHosts(path, EVERY), TypeError);
  },
);

Deno.test("installHosts() rejects a folder that is no registry", async () => {
  await using at = await temporaryFolder();
  const [one] = EVERY;
  const wanted = [{ ...(one ?? assert.fail()), folder: "../x" }];
  await assert.rejects(
    installHosts(at.path, wanted),
    /"\.\.\/x" is not a registry/,
  );
});
