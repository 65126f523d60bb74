/**
 * Where statements are in a text.
 * @module
 */

import assert from "node:assert/strict";
import { tomlStatements } from "../../src/hosts/toml_statements.ts";

const TEXT = `# a comment = no key
server = "a # b" # [no.table]
list = [
  ["x", 'y'], # ] in a comment
  "]",
]
long = """
[not.a.table]
quote \\""""" # of its own
 'quo"ted'.b = { c = "}" }

[host . "http://a=b"] # one
\tcapabilities = ['pull']
[host."http://a=b".header]
X = '''
[no]'''
[[list.of]]
last = 1`;

Deno.test("tomlStatements() finds every header and key, and nothing else", () => {
  const found = tomlStatements(TEXT).map(({ kind, path, value }) => [
    kind,
    path.join("|"),
    value ? TEXT.slice(value.start, value.end) : "",
  ]);
  assert.deepEqual(found, [
    ["key", "server", '"a # b"'],
    ["key", "list", `[\n  ["x", 'y'], # ] in a comment\n  "]",\n]`],
    ["key", "long", '"""\n[not.a.table]\nquote \\"""""'],
    ["key", 'quo"ted|b', '{ c = "}" }'],
    ["table", "host|http://a=b", ""],
    ["key", "host|http://a=b|capabilities", "['pull']"],
    ["table", "host|http://a=b|header", ""],
    ["key", "host|http://a=b|header|X", "'''\n[no]'''"],
    ["table", "list|of", ""],
    ["key", "list|of|last", "1"],
  ]);
});

Deno.test("tomlStatements() gives whole lines, in order and apart", () => {
  let at = 0;
  for (const { start, end } of tomlStatements(TEXT)) {
    assert.ok(start >= at && end > start);
    assert.ok(start === 0 || TEXT[start - 1] === "\n");
    at = end;
  }
  assert.equal(at, TEXT.length);
});

Deno.test.each(["", "\n", "# only a comment", "  \r\n# x\r\n"])(
  "tomlStatements() finds nothing in %j",
  (text) => assert.deepEqual(tomlStatements(text), []),
);

Deno.test("tomlStatements() begins after a byte order mark", () => {
  const [first, second] = tomlStatements("\ufeff# a = b\n[c]\nd = 1\n");
  assert.deepEqual([first?.kind, first?.path, first?.start], [
    "table",
    ["c"],
    9,
  ]);
  assert.deepEqual(second?.path, ["c", "d"]);
  const [header] = tomlStatements("\ufeff[c]\n");
  assert.deepEqual([header?.kind, header?.start], ["table", 1]);
});

Deno.test("tomlStatements() reads lines that end as on Windows", () => {
  const text = 'a = "b"\r\n[c]\r\nd = 1 # e\r\n';
  const found = tomlStatements(text).map(({ path, value }) =>
    value ? `${path.join(".")}=${text.slice(value.start, value.end)}` : "table"
  );
  assert.deepEqual(found, ['a="b"', "table", "c.d=1"]);
});
