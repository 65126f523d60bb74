/** The chart beside the program: what it says fits what the program knows. @module */

import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import deno from "../../deno.json" with { type: "json" };
import { program } from "../program.ts";

const ROOT = new URL("../../", import.meta.url);

/** A container, as far as it is looked into. */
interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
}

// deno-lint-ignore no-explicit-any -- schema and values are looked into freely
type Anything = any;

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

/** Every container that the chart makes, from the golden file of all. */
async function containers(): Promise<Container[]> {
  const text = await read("tests/chart/golden/defaults.yaml");
  return parseAllDocuments(text).map((document) => document.toJS())
    .map((object) => object?.spec?.template?.spec)
    .filter((spec) => spec !== undefined)
    .flatMap(({ initContainers = [], containers }) => [
      ...initContainers,
      ...containers,
    ]);
}

/** What `peili COMMAND --help` prints. */
async function helpOf(command: string): Promise<string> {
  const { stdout, code } = await program([command, "--help"], {
    permissions: ["-P=run"],
  });
  assert.equal(code, 0, command);
  return stdout;
}

Deno.test("each flag and variable that the chart passes is one of the command's", async () => {
  const all = await containers();
  assert.deepEqual(all.map(({ args }) => args[0]).sort(), [
    "configure",
    "restore",
    "restore",
    "run",
    "wait",
    "zone",
  ]);
  for (const { args: [command = "", ...args], env = [] } of all) {
    const help = await helpOf(command);
    for (const arg of args) {
      const flag = arg.split("=")[0] ?? "";
      assert.match(help, new RegExp(`^  ${flag} `, "m"), `${command} ${arg}`);
    }
    for (const { name } of env.filter(({ name }) => name !== "NODE_IP")) {
      assert.ok(help.includes(`env: ${name})`), `${command} ${name}`);
    }
  }
});

Deno.test("each container has the permissions of its own command", async () => {
  const sets: Record<string, unknown> = deno.permissions;
  for (const { command, args: [name = ""] } of await containers()) {
    const flag = command.find((word) => word.startsWith("-P=")) ?? "";
    // What restore writes is what configure writes.
    assert.equal(flag, `-P=${name === "restore" ? "configure" : name}`);
    assert.ok(flag.slice(3) in sets, flag);
  }
});

Deno.test("each container's command is the image's entry point with another set", async () => {
  const dockerfile = await read("deploy/Dockerfile");
  const [, text = ""] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  const entryPoint: string[] = JSON.parse(text);
  for (const { command } of await containers()) {
    const set = command.find((word) => word.startsWith("-P=")) ?? "";
    const expected = entryPoint.map((word) => word === "-P=image" ? set : word);
    assert.deepEqual(command, expected);
  }
});

Deno.test("the chart's image is the one that is built", async () => {
  const { image } = parse(await read("deploy/chart/values.yaml"));
  const text = await read("deploy/image.ts");
  assert.ok(text.includes(`REPOSITORY = "${image.repository}"`));
});

Deno.test("configure and restore take what the chart passes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const own = `--containerd-registry-config-path=${folder}`;
    for (const { args } of await containers()) {
      if (!["configure", "restore"].includes(args[0] ?? "")) continue;
      // As the kubelet fills it in.
      const filled = args.filter((arg) => arg !== "--stay")
        .map((arg) => arg.replaceAll("$(NODE_IP)", "fd00::1"));
      const { code, stderr } = await program([...filled, own], {
        permissions: [
          "--allow-env=PEILI_*",
          `--allow-read=${folder}`,
          `--allow-write=${folder}`,
        ],
      });
      assert.equal(code, 0, stderr);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the chart has the program's version", async () => {
  const { version, appVersion } = parse(await read("deploy/chart/Chart.yaml"));
  assert.deepEqual([version, appVersion], [deno.version, deno.version]);
});

/** Every key of a schema's maps that are closed, and whether it may have more. */
function keysOf(
  schema: Anything,
  definitions: Anything,
  prefix = "",
): string[] {
  const { $ref, properties } = schema;
  if ($ref) {
    return keysOf(definitions[$ref.split("/").at(-1)], definitions, prefix);
  }
  if (!properties) return [prefix];
  assert.ok(schema.additionalProperties === false, `${prefix} is open`);
  return Object.entries(properties).flatMap(([key, value]) =>
    keysOf(value, definitions, prefix === "" ? key : `${prefix}.${key}`)
  );
}

function keysIn(
  values: Anything,
  ends: ReadonlySet<string>,
  prefix = "",
): string[] {
  const isMap = values !== null && typeof values === "object" &&
    !Array.isArray(values);
  if (ends.has(prefix) || !isMap) return [prefix];
  return Object.entries(values).flatMap(([key, value]) =>
    keysIn(value, ends, prefix === "" ? key : `${prefix}.${key}`)
  );
}

Deno.test("the chart's schema knows each value, and no other but those of Spegel", async () => {
  const schema = JSON.parse(await read("deploy/chart/values.schema.json"));
  const known = keysOf(schema, schema.$defs);
  const values = parse(await read("deploy/chart/values.yaml"));
  const there = keysIn(values, new Set(known));
  const others =
    /^(?:spegel|grafanaDashboard|kvick)\b|^global$|^service\.cleanup\./;
  assert.deepEqual(
    known.filter((key) => !others.test(key)).sort(),
    there.filter((key) => !others.test(key)).sort(),
  );
});
