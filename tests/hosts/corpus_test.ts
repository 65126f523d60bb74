/**
 * Every folder of the corpus: configured, configured again, edited, restored.
 *
 * What configuring changes is in `golden` as diffs. To write them anew after a
 * change that is meant: `PEILI_GOLDEN=write deno test -A tests/hosts`.
 * @module
 */

import assert from "node:assert/strict";
import { configureHosts } from "../../src/hosts/configure.ts";
import { unifiedDiff } from "../../src/hosts/diff.ts";
import { DENO_FILES } from "../../src/hosts/file_operations.ts";
import { isHostsFolder, registryOf } from "../../src/hosts/folders.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { planHosts, type Wanted } from "../../src/hosts/plan.ts";
import { readRegistryHosts } from "../../src/hosts/registry_hosts.ts";
import { type Case, CORPUS } from "./corpus.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { readTree, writeTree } from "./tree.ts";

const TARGET = "http://10.0.0.1:30020";
const WANTED: Wanted = {
  deployment: "peili",
  hosts: mirrorHosts({
    mirrorTargets: [TARGET, "http://10.0.0.1:30021"],
    additionalTargets: ["http://zot.example:5000"],
  }),
  keepExisting: false,
};
const GONE: Wanted = { ...WANTED, hosts: [] };

async function diffs(root: string, wanted: Wanted): Promise<string> {
  let text = "";
  const decode = (bytes?: Uint8Array) =>
    bytes ? new TextDecoder().decode(bytes) : null;
  for await (const plan of planHosts(root, wanted, DENO_FILES)) {
    const path = `${plan.folder}/hosts.toml`;
    if (plan.kind === "left-alone") {
      text += `left alone: ${path}: ${plan.why}\n`;
    }
    if (plan.kind === "unchanged") text += `unchanged: ${path}\n`;
    if (plan.kind !== "write" && plan.kind !== "remove") continue;
    const after = plan.kind === "write" ? plan.after.bytes : undefined;
    text += await unifiedDiff({
      path,
      before: decode(plan.before?.bytes),
      after: decode(after),
    });
  }
  return text;
}

async function golden(name: string, text: string): Promise<string> {
  const url = new URL(`golden/${name}.diff`, import.meta.url);
  if (Deno.env.get("PEILI_GOLDEN") === "write") {
    await Deno.writeTextFile(url, text);
  }
  return await Deno.readTextFile(url);
}

/** Applies an edit of the user's to every folder that is configured. */
async function editAll(
  root: string,
  { tree, leftAlone = [] }: Case,
  edit: (path: string, text: string | null) => Promise<void>,
): Promise<void> {
  const folders = new Set(
    Object.keys(tree).filter((path) => path.endsWith("/hosts.toml"))
      .map((path) => path.slice(0, path.lastIndexOf("/"))),
  );
  for (const folder of folders) {
    if (!isHostsFolder(folder)) continue;
    if (leftAlone.includes(folder)) continue;
    const path = `${root}/${folder}`;
    await edit(path, await Deno.readTextFile(`${path}/hosts.toml`));
  }
}

/** Puts a text into a file in place, as an editor that keeps the mode. */
async function put(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}/hosts.toml`, text);
}

const EDITS: readonly {
  name: string;
  edit: (path: string, text: string | null) => Promise<void>;
}[] = [
  {
    name: "a host at the end",
    edit: (path, text) =>
      put(path, `${text}\n[host."https://later.example"]\nskip_verify = true`),
  },
  {
    name: "a comment at the beginning",
    edit: (path, text) => put(path, `# edited\n${text}`),
  },
  {
    name: "files of his own",
    edit: async (path) => {
      await Deno.writeTextFile(`${path}/later.pem`, "pem");
      await Deno.mkdir(`${path}/later`);
    },
  },
  {
    name: "other permissions",
    edit: (path) => Deno.chmod(`${path}/hosts.toml`, 0o604),
  },
];

Deno.test.each(CORPUS)("configureHosts(): $name", async (one) => {
  await using at = await temporaryFolder();
  await writeTree(at.path, one.tree);
  const before = await readTree(at.path);

  const planned = await diffs(at.path, WANTED);
  assert.equal(planned, await golden(one.name, planned));
  assert.deepEqual(await readTree(at.path), before, "a plan changes nothing");

  const outcomes = await configureHosts(at.path, WANTED);
  assert.deepEqual(
    outcomes.filter(({ kind }) => kind === "left-alone")
      .map(({ folder }) => folder),
    one.leftAlone ?? [],
  );
  const configured = await readTree(at.path);
  for (const outcome of outcomes) {
    if (outcome.kind === "left-alone") continue;
    const registry = registryOf(outcome.folder) ?? "any.example";
    const found = await readRegistryHosts(at.path, registry);
    assert.equal(found?.kind === "hosts" && found.file.hosts[0]?.url, TARGET);
  }
  for (const outcome of await configureHosts(at.path, WANTED)) {
    assert.match(outcome.kind, /unchanged|left-alone/);
    assert.ok(!outcome.edited);
  }
  assert.deepEqual(await readTree(at.path), configured, "the same again");

  await configureHosts(at.path, GONE);
  assert.deepEqual(await readTree(at.path), before, "as it was");
});

const EDITED = CORPUS.flatMap((one) =>
  EDITS.map(({ name, edit }) => ({ case: one.name, by: name, one, edit }))
);

Deno.test.each(EDITED)(
  "configureHosts() and restoring keep $by: $case",
  async ({ one, edit }) => {
    await using at = await temporaryFolder();
    await using plain = await temporaryFolder();
    await writeTree(at.path, one.tree);
    await writeTree(plain.path, one.tree);
    await editAll(plain.path, one, edit);

    await configureHosts(at.path, WANTED);
    await editAll(at.path, one, edit);
    await configureHosts(at.path, WANTED);
    await configureHosts(at.path, GONE);
    assert.deepEqual(await readTree(at.path), await readTree(plain.path));
  },
);
