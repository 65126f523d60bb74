/**
 * What changes in containerd's own configuration.
 * @module
 */

import assert from "node:assert/strict";
import {
  carryOutConfig,
  type ConfigPlan,
  planConfig,
  planConfigRestore,
} from "../../src/hosts/config_plan.ts";
import { readContainerdConfig } from "../../src/hosts/containerd_config.ts";
import { DENO_FILES } from "../../src/hosts/file_operations.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { readTree, type Tree, writeTree } from "./tree.ts";

const HOSTS = "/etc/containerd/certs.d";
const V1 = '[plugins."io.containerd.grpc.v1.cri".registry]';
const V2 = '[plugins."io.containerd.cri.v1.images".registry]';
const LIST = 'config_path = "/etc/containerd/certs.d:/etc/docker/certs.d"';

interface Row {
  name: string;
  /** `@` is the folder. */
  files: Record<string, string>;
  /** The file that changes; null: none. */
  changes: string | null;
}

const ROWS: Row[] = [
  { name: "no file", files: {}, changes: "config.toml" },
  {
    name: "format 2 without CRI",
    files: { "config.toml": "version = 2" },
    changes: "config.toml",
  },
  {
    name: "an empty path",
    files: {
      "config.toml": `version = 2\n${V1}\n  config_path = ""\n`,
    },
    changes: "config.toml",
  },
  {
    name: "a list of paths",
    files: { "config.toml": `version = 3\n${V2}\n${LIST}\n` },
    changes: "config.toml",
  },
  {
    name: "format 2 with the names of containerd 2",
    files: { "config.toml": `version = 2\n${V2}\n${LIST} # aks\n` },
    changes: "config.toml",
  },
  {
    name: "format 1",
    files: { "config.toml": "[plugins.cri]\nsandbox_image = 'x'\n" },
    changes: "config.toml",
  },
  {
    name: "a folder of imports that are merged",
    files: {
      "config.toml":
        `version = 3\nimports = ["@/conf.d/*.toml"]\n${V2}\n${LIST}`,
    },
    changes: "conf.d/99-peili.toml",
  },
  {
    name: "a folder of imports with a file of ours that is not ours alone",
    files: {
      "config.toml": 'version = 3\nimports = ["@/conf.d/*.toml"]\n',
      "conf.d/99-peili.toml": `# mine\n${V2}\n${LIST}\n`,
    },
    changes: "conf.d/99-peili.toml",
  },
  {
    name: "a folder of imports where a later file decides",
    files: {
      "config.toml": 'version = 3\nimports = ["@/conf.d/*.toml"]\n',
      "conf.d/zz.toml": `${V2}\n${LIST}\n`,
    },
    changes: "conf.d/zz.toml",
  },
  {
    name: "a folder of imports that replace whole sections",
    files: {
      "config.toml": `version = 2\nimports = ["@/conf.d/*.toml"]\n${V1}\n`,
      "conf.d/a.toml":
        '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "x"\n',
      "conf.d/b.toml": '[debug]\nlevel = "info"\n',
    },
    changes: "conf.d/a.toml",
  },
  {
    name: "a single path already",
    files: { "config.toml": `version = 3\n${V2}\nconfig_path = "${HOSTS}"\n` },
    changes: null,
  },
];

async function at(row: Row) {
  const folder = await temporaryFolder();
  const tree: Tree = Object.fromEntries(
    Object.entries(row.files).map(([name, text]) => [
      name,
      text.replaceAll("@", folder.path),
    ]),
  );
  await writeTree(folder.path, tree);
  return folder;
}

Deno.test.each(ROWS)("planConfig() sets a single path: $name", async (row) => {
  await using folder = await at(row);
  const path = `${folder.path}/config.toml`;
  const before = await readTree(folder.path);
  const plan = await planConfig(path, HOSTS, DENO_FILES);
  assert.deepEqual(await readTree(folder.path), before);
  const changes = row.changes && `${folder.path}/${row.changes}`;
  assert.equal(plan.kind === "write" ? plan.path : null, changes);

  await carryOutConfig(plan, DENO_FILES);
  const config = await readContainerdConfig(path, DENO_FILES);
  assert.equal(config?.hostsPath, HOSTS);
  const after = await readTree(folder.path);
  const differ = Object.keys({ ...before, ...after })
    .filter((name) => before[name] !== after[name])
    .filter((name) => !after[name]?.startsWith("folder"));
  assert.deepEqual(differ, row.changes ? [row.changes] : []);
  const again = await planConfig(path, HOSTS, DENO_FILES);
  assert.equal(again.kind, "unchanged");

  for (const one of await planConfigRestore(path, DENO_FILES)) {
    await carryOutConfig(one, DENO_FILES);
  }
  // A folder of imports that was not there stays, empty.
  const { "conf.d": _, ...restored } = await readTree(folder.path);
  const { "conf.d": _same, ...was } = before;
  assert.deepEqual(restored, was);
});

Deno.test("planConfig() keeps the file's comments and its permissions", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/config.toml`;
  const text = `# top\nversion = 2 # two\n\n${V1} # mine\n  # why\n  x = 1\n`;
  await writeTree(folder.path, { "config.toml": { text, mode: 0o640 } });
  await carryOutConfig(await planConfig(path, HOSTS, DENO_FILES), DENO_FILES);
  const after = await folder.read("config.toml");
  const line = `  config_path = "${HOSTS}" # peili: added\n`;
  assert.equal(after.replace(line, ""), text);
  const { mode } = await Deno.stat(path);
  assert.equal((mode ?? 0) & 0o777, 0o640);
});

function leftAlone(plan: ConfigPlan): { why: string; lines: string } {
  return plan.kind === "left-alone" ? plan : assert.fail(plan.kind);
}

Deno.test.each([
  {
    name: "not TOML",
    text: "version = ",
    why: /Cannot read .*config\.toml: Invalid TOML/,
  },
  {
    name: "generated",
    text: "# File generated by k3s. DO NOT EDIT.\nversion = 3\n",
    why: /generated: change it where it is generated/,
  },
  {
    name: "k0s",
    text: "# k0s_managed=true\nversion = 3\n",
    why: /generated/,
  },
  {
    name: "mirrors of the old way",
    text:
      `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a"]\nendpoint = []\n`,
    why: /registry\.mirrors .*refuses beside config_path/,
  },
  {
    name: "TLS of the old way",
    text:
      `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs.a.tls]\nca_file = "x"\n`,
    why: /refuses beside config_path/,
  },
  {
    name: "without CRI",
    text: 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n',
    why: /disabled_plugins, so kubelet cannot use this containerd/,
  },
  {
    name: "a table in one line",
    text:
      `version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nregistry = { headers = {} }\n`,
    why: /cannot change it in place/,
  },
])(
  "planConfig() leaves alone what is $name, and says what to add",
  async (row) => {
    await using folder = await temporaryFolder({ "config.toml": row.text });
    const path = `${folder.path}/config.toml`;
    const { why, lines } = leftAlone(await planConfig(path, HOSTS, DENO_FILES));
    assert.match(why, row.why);
    assert.match(
      lines,
      /^version = \d\n\[plugins\..*registry\]\n {2}config_path = "\/etc/,
    );
  },
);

Deno.test("planConfigRestore() keeps what the user changed since", async () => {
  await using folder = await temporaryFolder({
    "config.toml": "version = 2\n",
  });
  const path = `${folder.path}/config.toml`;
  await carryOutConfig(await planConfig(path, HOSTS, DENO_FILES), DENO_FILES);
  const text = await folder.read("config.toml");
  await folder.write("config.toml", `# mine\n${text}[debug]\nlevel = "info"\n`);
  for (const plan of await planConfigRestore(path, DENO_FILES)) {
    await carryOutConfig(plan, DENO_FILES);
  }
  assert.equal(
    await folder.read("config.toml"),
    '# mine\nversion = 2\n[debug]\nlevel = "info"\n',
  );
});

Deno.test.each([
  {
    name: "a key in the table that was added",
    before: `version = 2\n[debug]\nlevel = "info"\n`,
    add: "x = 1\n",
  },
  {
    name: "a section in the file that was added",
    before: null,
    add: '[debug]\nlevel = "info"\n',
  },
])(
  "planConfigRestore() leaves alone $name: it would mean something else",
  async (row) => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/config.toml`;
    if (row.before !== null) await folder.write("config.toml", row.before);
    await carryOutConfig(await planConfig(path, HOSTS, DENO_FILES), DENO_FILES);
    await folder.write(
      "config.toml",
      await folder.read("config.toml") + row.add,
    );
    const [plan] = await planConfigRestore(path, DENO_FILES);
    const { why } = leftAlone(plan ?? assert.fail());
    assert.match(why, /not Peili's belong to a line with "# peili: added"/);
  },
);

Deno.test("planConfig() and planConfigRestore() replace no link", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/config.toml`;
  await writeTree(folder.path, {
    "config.toml": `version = 3\nimports = ["${folder.path}/conf.d/*.toml"]\n`,
    "real.toml": `${V2}\n${LIST}\n`,
    "conf.d/zz.toml": { link: "../real.toml" },
  });
  const before = await planConfig(path, HOSTS, DENO_FILES);
  assert.equal(before.path, `${folder.path}/conf.d/zz.toml`);
  assert.match(leftAlone(before).why, /it is a link/);

  const real = `${folder.path}/real.toml`;
  await carryOutConfig(await planConfig(real, HOSTS, DENO_FILES), DENO_FILES);
  assert.equal((await planConfig(path, HOSTS, DENO_FILES)).kind, "unchanged");
  const plans = await planConfigRestore(path, DENO_FILES);
  assert.deepEqual(plans.map(({ kind }) => kind), ["unchanged", "left-alone"]);
});

Deno.test("planConfig() leaves alone what is no UTF-8, which it could not write back", async () => {
  await using folder = await temporaryFolder();
  const bytes = [0x23, 0xff, 0x0a];
  await writeTree(folder.path, { "config.toml": { bytes } });
  const path = `${folder.path}/config.toml`;
  const plan = await planConfig(path, HOSTS, DENO_FILES);
  assert.match(leftAlone(plan).why, /config\.toml: not UTF-8/);
});

Deno.test("readContainerdConfig() ends where imports lead in a circle", async () => {
  await using folder = await temporaryFolder({
    "a.toml": 'version = 3\nimports = ["b.toml", "none.toml"]\n',
    "b.toml": `imports = ["a.toml"]\n${V2}\nconfig_path = "/x"\n`,
  });
  const config = await readContainerdConfig(
    `${folder.path}/a.toml`,
    DENO_FILES,
  );
  assert.deepEqual(
    config?.files.map(({ path }) => path.slice(-6)),
    ["a.toml", "b.toml"],
  );
  assert.equal(config?.hostsPath, "/x");
  assert.equal(await readContainerdConfig("/none/x", DENO_FILES), null);
});
