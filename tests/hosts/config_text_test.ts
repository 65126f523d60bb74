/**
 * Setting one key in a text, and taking that out again.
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { ownText, setKey, unsetKeys } from "../../src/hosts/config_text.ts";
import { random } from "../suites/random.ts";

const NAMES = ["plugins", "io.containerd.grpc.v1.cri", "registry"];
const KEY = [...NAMES, "config_path"];
const TABLE = '[plugins."io.containerd.grpc.v1.cri".registry]';

function valueIn(text: string): unknown {
  let value: unknown = parse(text);
  for (const name of KEY) value = (value as Record<string, unknown>)[name];
  return value;
}

const ROWS = [
  {
    name: "a value in its place",
    text: `# a\n${TABLE}\n  config_path = '/a:/b' # mine\n  x = 1\n`,
    set:
      `# a\n${TABLE}\n  config_path = "/new" # peili: was "'/a:/b'" # mine\n  x = 1\n`,
  },
  {
    name: "a line in its table",
    text: `  ${TABLE} # x\n    y = 1`,
    set: `  ${TABLE} # x\n    config_path = "/new" # peili: added\n    y = 1`,
  },
  {
    name: "a line in its table at the end of the text",
    text: `[plugins.'io.containerd.grpc.v1.cri'.registry]`,
    set:
      `[plugins.'io.containerd.grpc.v1.cri'.registry]\n  config_path = "/new" # peili: added with the end of the line above\n`,
  },
  {
    name: "a table at the end",
    text: "version = 2\n",
    set:
      `version = 2\n${TABLE} # peili: added\n  config_path = "/new" # peili: added\n`,
  },
  {
    name: "a table after a line without an end",
    text: "version = 2",
    set:
      `version = 2\n${TABLE} # peili: added with the end of the line above\n  config_path = "/new" # peili: added\n`,
  },
  {
    name: "a dotted key",
    text:
      `[plugins."io.containerd.grpc.v1.cri"]\nregistry.config_path = ""\r\n`,
    set:
      `[plugins."io.containerd.grpc.v1.cri"]\nregistry.config_path = "/new" # peili: was "\\"\\""\r\n`,
  },
];

Deno.test.each(ROWS)(
  "setKey() changes $name, and unsetKeys() takes it out",
  (row) => {
    const text = setKey(row.text, KEY, "/new");
    assert.equal(text, row.set);
    assert.equal(valueIn(text), "/new");
    const again = setKey(text, KEY, "/newer");
    assert.equal(valueIn(again), "/newer");
    assert.equal(unsetKeys(text), row.text);
    const known = row.set.includes("peili: was");
    if (known) assert.equal(unsetKeys(again), row.text);
  },
);

Deno.test("unsetKeys() leaves a text alone that it has nothing in", () => {
  for (const { text } of ROWS) assert.equal(unsetKeys(text), text);
  assert.equal(unsetKeys(ownText(["version = 2", "x = 1"])), "");
});

const PIECES = [
  "version = 2 # x",
  "# a comment",
  "",
  'disabled_plugins = [\n  "a", # ]\n]',
  '[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "x"',
  `${TABLE}\n  config_path = ""`,
  `${TABLE}`,
  "[plugins.'io.containerd.grpc.v1.cri'.registry.headers]\n  X = ['1']",
  '[debug]\nlevel = "info"',
];

Deno.test("unsetKeys() gives back every text byte for byte", () => {
  let tried = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const numbers = random(seed);
    const text = PIECES.filter(() => numbers.below(2) === 1).join("\n") +
      (numbers.below(2) === 1 ? "\n" : "");
    try {
      parse(text);
    } catch {
      continue; // two pieces that exclude each other
    }
    tried++;
    const set = setKey(text, KEY, "/new");
    assert.equal(valueIn(set), "/new", text);
    assert.equal(unsetKeys(set), text);
  }
  assert.ok(tried > 200, `only ${tried} texts`);
});
