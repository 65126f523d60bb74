/**
 * Every option: its default, what it takes, and what it says of a bad value.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Command, CommanderError } from "commander";
import { argumentOf, optionsOf, registryNames } from "../src/config.ts";
import { type Name, TARGETS, TO, TRIED, type Tried } from "./tried_options.ts";

const ALL = Object.entries({ ...TRIED, mirrorTargets: TARGETS, to: TO })
  .map(([name, tried]) => ({ name: name as Name, ...tried }));

/** Reads options as a command does. */
function read(
  names: readonly Name[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Record<string, unknown> | string {
  let said = "";
  const command = new Command("x").exitOverride().configureOutput({
    writeErr: (text) => void (said += text),
  });
  optionsOf(names).forEach((option) => command.addOption(option));
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  try {
    return command.parse([...args], { from: "user" }).opts();
  } catch (error) {
    assert.ok(error instanceof CommanderError);
    return said;
  } finally {
    Object.keys(env).forEach((name) => Deno.env.delete(name));
  }
}

function variableOf(flag: string): string {
  return `PEILI_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`;
}

Deno.test("optionsOf() gives every option its default", () => {
  const names = Object.keys(TRIED) as Name[];
  const defaults = Object.entries(TRIED)
    .map(([name, tried]) => [name, tried.default]);
  assert.deepEqual(read(names, []), Object.fromEntries(defaults));
});

Deno.test.each(ALL)("optionsOf() reads $flag and its variable", (row) => {
  for (const [text, value] of row.good) {
    const expected = { [row.name]: value };
    assert.deepEqual(read([row.name], [`${row.flag}=${text}`]), expected);
    const variable = { [variableOf(row.flag)]: text };
    assert.deepEqual(read([row.name], [], variable), expected);
  }
});

Deno.test.each(ALL)("optionsOf() prefers $flag to its variable", (row) => {
  const [text, value] = row.good[0] ?? [];
  assert.ok(text !== undefined);
  const args = [`${row.flag}=${text}`];
  const variable = { [variableOf(row.flag)]: row.bad[1] ?? "(" };
  assert.deepEqual(read([row.name], args, variable), { [row.name]: value });
});

Deno.test.each(ALL)("optionsOf() says what $flag allows, in a line", (row) => {
  for (const text of row.bad) {
    const said = read([row.name], [`${row.flag}=${text}`]);
    mustSay(said, row, `argument '${text}' is invalid.`);
  }
});

Deno.test.each(ALL)(
  "optionsOf() says what the variable of $flag allows",
  (row) => {
    const variable = variableOf(row.flag);
    for (const text of row.bad) {
      const said = read([row.name], [], { [variable]: text });
      mustSay(said, row, `value '${text}' from env '${variable}' is invalid.`);
    }
  },
);

function mustSay(said: unknown, { flag, says }: Tried, of: string): void {
  assert.ok(typeof said === "string", `${JSON.stringify(said)}: ${of}`);
  assert.ok(said.startsWith(`error: option '${flag} `), said);
  assert.ok(said.includes(` ${of} ${says}`), said);
  assert.match(said, /^[^\n]+\n$/);
}

Deno.test.each([
  { args: ["--containerd-config"], value: "/etc/containerd/config.toml" },
  { args: ["--containerd-config", "/x"], value: "/x" },
])("optionsOf() reads $args as $value", ({ args, value }) => {
  assert.deepEqual(read(["containerdConfig"], args), {
    containerdConfig: value,
  });
});

Deno.test.each(["dryRun", "resolveTags"] as const)(
  "optionsOf() takes the flag of %s alone for true",
  (name) => {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter}`.toLowerCase());
    assert.deepEqual(read([name], [`--${flag}`]), { [name]: true });
  },
);

Deno.test("optionsOf() wants what has no default", () => {
  assert.equal(
    read(["mirrorTargets"], []),
    "error: required option '--mirror-targets <url,...>' not specified\n",
  );
});

Deno.test("argumentOf() reads the image, and says what it may be", () => {
  const command = new Command("x").exitOverride();
  command.addArgument(argumentOf("image"));
  command.parse(["redis:7"], { from: "user" });
  const [image] = command.processedArgs;
  assert.equal(image.name, "docker.io/library/redis:7");
  let said = "";
  command.configureOutput({ writeErr: (text) => void (said += text) });
  assert.throws(() => command.parse(["A"], { from: "user" }), CommanderError);
  assert.equal(
    said,
    "error: command-argument value 'A' is invalid for argument 'image'. Allowed: [registry/]repository[:tag][@digest], in small letters.\n",
  );
});

Deno.test.each([
  { values: [], names: [] },
  { values: ["_default"], names: [] },
  { values: ["*", "https://docker.io"], names: [] },
  {
    values: ["https://docker.io", "http://10.0.0.1:5000"],
    names: ["docker.io", "10.0.0.1:5000"],
  },
])("registryNames() of $values", ({ values, names }) => {
  assert.deepEqual(registryNames(values), names);
});
