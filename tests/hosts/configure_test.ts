/**
 * Configuring beside what the user has: what the corpus does not show.
 * @module
 */

import assert from "node:assert/strict";
import {
  configureHosts,
  type ConfigureOptions,
} from "../../src/hosts/configure.ts";
import {
  DENO_FILES,
  type FileOperations,
} from "../../src/hosts/file_operations.ts";
import { parseHostsToml } from "../../src/hosts/hosts_toml.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import type { Wanted } from "../../src/hosts/plan.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const MIRROR = "http://10.0.0.1:30020";
const USER = `[host."https://own-mirror.example"]\n`;

function wanted(
  registries: readonly string[] = [],
  more: Partial<Wanted & { target: string }> = {},
): Wanted {
  const { target = MIRROR, ...rest } = more;
  const hosts = mirrorHosts({ registries, mirrorTargets: [target] });
  return { deployment: "peili", hosts, keepExisting: false, ...rest };
}

async function kindsOf(
  path: string,
  one: Wanted,
  options?: ConfigureOptions,
): Promise<string[]> {
  const outcomes = await configureHosts(path, one, options);
  return outcomes.map(({ kind, folder }) => `${folder} ${kind}`);
}

async function modeOf(path: string): Promise<string> {
  const { mode } = await Deno.stat(path);
  return ((mode ?? 0) & 0o777).toString(8);
}

Deno.test("configureHosts() makes folders and files that everybody can read", async () => {
  await using at = await temporaryFolder();
  const path = `${at.path}/certs.d`;
  assert.deepEqual(await kindsOf(`${path}/`, wanted()), ["_default written"]);
  assert.equal(await modeOf(path), "755");
  assert.equal(await modeOf(`${path}/_default`), "755");
  assert.equal(await modeOf(`${path}/_default/hosts.toml`), "644");
});

Deno.test("configureHosts() does not rewrite what is already so", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await configureHosts(at.path, wanted());
  const { ino } = await Deno.stat(`${at.path}/docker.io/hosts.toml`);
  await configureHosts(at.path, wanted());
  const after = await Deno.stat(`${at.path}/docker.io/hosts.toml`);
  assert.equal(after.ino, ino);
});

Deno.test("configureHosts() adds to registries that hide _default, unless told not to", async () => {
  await using at = await temporaryFolder({
    "docker.io/hosts.toml": USER,
    "quay.io/ca.crt": "pem",
  });
  const keep = wanted([], { keepExisting: true });
  assert.deepEqual(await kindsOf(at.path, keep), ["_default written"]);
  assert.deepEqual(await kindsOf(at.path, wanted()), [
    "_default unchanged",
    "docker.io written",
    "quay.io written",
  ]);
  assert.deepEqual(await kindsOf(at.path, keep), [
    "_default unchanged",
    "docker.io written",
    "quay.io removed",
  ]);
  assert.equal(await at.read("docker.io/hosts.toml"), USER);
});

Deno.test.each([
  { name: "a mirror", file: "_default/hosts.toml", text: USER },
  { name: "certificates", file: "_default/ca.crt", text: "pem" },
  { name: "what it cannot read", file: "_default/hosts.toml", text: "x = " },
])(
  "configureHosts() makes no folder that would hide $name in the user's _default",
  async (row) => {
    await using at = await temporaryFolder({
      [row.file]: row.text,
      "quay.io/hosts.toml": USER,
    });
    const before = await at.files();
    const some = wanted(["https://docker.io", "https://quay.io"]);
    assert.deepEqual(await kindsOf(at.path, some), [
      "docker.io left-alone",
      "quay.io written",
    ]);
    assert.deepEqual(await kindsOf(at.path, { ...some, hosts: [] }), [
      "quay.io written",
    ]);
    assert.deepEqual(await at.files(), before);
  },
);

Deno.test("configureHosts() does not take another deployment's _default for the user's", async () => {
  await using at = await temporaryFolder();
  await configureHosts(at.path, wanted([], { deployment: "a" }));
  const b = wanted(["https://docker.io"], { deployment: "b" });
  assert.deepEqual(await kindsOf(at.path, b), ["docker.io written"]);
});

Deno.test("configureHosts() takes its lines out where they are wanted no more", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  await configureHosts(at.path, wanted(["https://docker.io", "http://a:5000"]));
  assert.deepEqual(await kindsOf(at.path, wanted(["https://b"])), [
    "b written",
    "a:5000 removed",
    "docker.io written",
  ]);
  assert.deepEqual(await kindsOf(at.path, wanted()), [
    "_default written",
    "docker.io written",
    "b removed",
  ]);
});

Deno.test("configureHosts() adds to what another deployment made, and restores neither's", async () => {
  await using at = await temporaryFolder();
  const a = wanted(["https://docker.io"], { deployment: "a" });
  const target = "http://10.0.0.1:31020";
  const b = wanted([], { deployment: "b", target });
  await configureHosts(at.path, a);
  await configureHosts(at.path, b);
  const file = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.deepEqual(file.hosts.map(({ url }) => url), [MIRROR, target]);
  await configureHosts(at.path, { ...a, hosts: [] });
  const left = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.deepEqual(left.hosts.map(({ url }) => url), [target]);
  assert.deepEqual(await kindsOf(at.path, { ...a, hosts: [] }), []);
  await configureHosts(at.path, { ...b, hosts: [] });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(at.path)), []);
});

Deno.test("configureHosts() follows a registry that changes its scheme", async () => {
  await using at = await temporaryFolder();
  for (const scheme of ["http", "https"]) {
    await configureHosts(at.path, wanted([`${scheme}://foo:5000`]));
    const file = parseHostsToml(await at.read("foo:5000/hosts.toml"));
    assert.equal(file.server, `${scheme}://foo:5000`);
  }
});

Deno.test("configureHosts() reads certificates that come later", async () => {
  await using at = await temporaryFolder({ "docker.io/ca.crt": "pem" });
  await configureHosts(at.path, wanted());
  await at.write("docker.io/new.crt", "pem");
  await configureHosts(at.path, wanted());
  const { ca, hosts } = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.deepEqual([ca, hosts[0]?.ca], Array(2).fill(["ca.crt", "new.crt"]));
});

Deno.test("configureHosts() says what it does, and what it leaves", async () => {
  await using at = await temporaryFolder({
    "a/hosts.toml": "server = ",
    "b/hosts.toml": USER,
  });
  const lines: string[] = [];
  const log = {
    info: (_: string, fields?: object) => void lines.push(said("info", fields)),
    warn: (_: string, fields?: object) => void lines.push(said("warn", fields)),
  };
  const said = (level: string, fields: object = {}) =>
    [level, ...Object.values(fields)].join(" ").slice(0, 40);
  await configureHosts(at.path, wanted(), { log });
  await at.write("b/hosts.toml", `# x\n${await at.read("b/hosts.toml")}`);
  await configureHosts(at.path, wanted(), { log });
  assert.deepEqual(lines, [
    "info written _default false",
    "warn left-alone a Cannot read hosts.toml",
    "info written b false",
    "info unchanged _default false",
    "warn left-alone a Cannot read hosts.toml",
    "warn written b true",
  ]);
});

Deno.test("configureHosts() waits for another run, and neither loses the other's", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  const names = ["a", "b", "c", "d"];
  await Promise.all(
    names.map((deployment, index) =>
      configureHosts(
        at.path,
        wanted([], { deployment, target: `http://10.0.0.1:3${index}020` }),
      )
    ),
  );
  const { hosts } = parseHostsToml(await at.read("docker.io/hosts.toml"));
  assert.equal(hosts.length, names.length + 1);
});

Deno.test("configureHosts() keeps whose a file is", async () => {
  await using at = await temporaryFolder({ "docker.io/hosts.toml": USER });
  const owner = { uid: 1234, gid: 4321 };
  const created: unknown[] = [];
  const files: FileOperations = {
    ...DENO_FILES,
    status: async (path) => {
      const status = await DENO_FILES.status(path);
      return status && { ...status, owner };
    },
    create: (path, { owner, ...content }) => {
      created.push(owner);
      return DENO_FILES.create(path, content);
    },
  };
  await configureHosts(at.path, wanted(), { files });
  // _default is new, and so it is of whoever makes it.
  assert.deepEqual(created, [undefined, owner]);
});

Deno.test("configureHosts() keeps a file that comes while its folder goes", async () => {
  await using at = await temporaryFolder();
  await configureHosts(at.path, wanted());
  const files = {
    ...DENO_FILES,
    rename: async (from: string, to: string) => {
      if (from.endsWith("_default")) await at.write("_default/late.pem", "pem");
      await DENO_FILES.rename(from, to);
    },
  };
  await configureHosts(at.path, { ...wanted(), hosts: [] }, { files });
  assert.deepEqual(await at.files(), { "_default/late.pem": "pem" });
});

Deno.test("configureHosts() restores nothing where nothing is", async () => {
  const gone = { ...wanted(), hosts: [] };
  assert.deepEqual(await kindsOf("/none/certs.d", gone), []);
});

Deno.test.each(["", "/a:/b"])(
  "configureHosts() rejects the configuration path '%s'",
  async (path) => {
    await assert.rejects(configureHosts(path, wanted()), TypeError);
  },
);

Deno.test("configureHosts() rejects a folder that is no registry", async () => {
  await using at = await temporaryFolder();
  const [one] = wanted().hosts;
  const hosts = [{ ...(one ?? assert.fail()), folder: "../x" }];
  await assert.rejects(
    configureHosts(at.path, { ...wanted(), hosts }),
    /"\.\.\/x" is not a registry/,
  );
});

Deno.test.each(["", "a b", "a\n# peili: end"])(
  "configureHosts() rejects the deployment %j",
  async (deployment) => {
    await using at = await temporaryFolder({ keep: "" });
    await assert.rejects(
      configureHosts(at.path, wanted([], { deployment })),
      /Cannot use deployment/,
    );
    assert.deepEqual(await at.files(), { keep: "" });
  },
);
