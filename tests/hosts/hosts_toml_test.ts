/**
 * The text of hosts.toml, to and from a value.
 * @module
 */

import assert from "node:assert/strict";
import { formatHostsToml, parseHostsToml } from "../../src/hosts/hosts_toml.ts";

const EVERYTHING = `
server = 'https://registry.example'
ca = 'server.pem'
odd = 1.0
count = 9007199254740993

[host.'https://z.example']
capabilities = ['pull']
dial_timeout = '2s'
ca = ['a.pem', '/b.pem']
client = [['c.cert', 'c.key'], ['d.cert', 'd.key']]
skip_verify = false
override_path = true
future = { since = 2031-02-03, list = [1, 2.5] }

[host.'https://z.example'.header]
Authorization = 'Basic eDp5'
X-Two = ['1', '2']

[host.'https://a.example']
`;

Deno.test("parseHostsToml() reads every key of containerd", () => {
  const { other, ...file } = parseHostsToml(EVERYTHING);
  assert.deepEqual(other, { odd: 1, count: 9007199254740993n });
  const { other: future, ...first } = file.hosts[0] ?? assert.fail();
  assert.deepEqual(Object.keys(future ?? {}), ["future"]);
  assert.deepEqual({ ...first, header: { ...first.header } }, {
    url: "https://z.example",
    capabilities: ["pull"],
    dialTimeout: "2s",
    ca: ["a.pem", "/b.pem"],
    client: [["c.cert", "c.key"], ["d.cert", "d.key"]],
    skipVerify: false,
    overridePath: true,
    header: { Authorization: "Basic eDp5", "X-Two": ["1", "2"] },
  });
  assert.equal(file.server, "https://registry.example");
  assert.equal(file.ca, "server.pem");
});

Deno.test("parseHostsToml() keeps the order of the file", () => {
  const urls = parseHostsToml(EVERYTHING).hosts.map(({ url }) => url);
  assert.deepEqual(urls, ["https://z.example", "https://a.example"]);
});

Deno.test("parseHostsToml() takes an empty server for an absent one", () => {
  assert.deepEqual(parseHostsToml("server = ''"), { hosts: [] });
});

Deno.test.each([
  { text: "server = ", says: /Cannot read hosts.toml: / },
  { text: "server = 1", says: /server is not a string/ },
  { text: "host = 'x'", says: /host is not a table/ },
  { text: "host = 2031-02-03", says: /host is not a table/ },
  { text: "[host]\nx = 'y'", says: /host\."x" is not a table/ },
  { text: "ca = 1", says: /ca is not a string or a list/ },
  {
    text: "[host.x]\nclient = [['a']]",
    says: /host\."x"\.client is not a string, or/,
  },
  { text: "[host.x]\nskip_verify = 'no'", says: /skip_verify is not true/ },
  { text: "[host.x]\nheader = { a = 1 }", says: /header is not a table of/ },
])("parseHostsToml() rejects $text", ({ text, says }) => {
  assert.throws(() => parseHostsToml(text), {
    name: "SyntaxError",
    message: says,
  });
});

Deno.test("formatHostsToml() writes what parseHostsToml() reads, and all of it", () => {
  const value = parseHostsToml(EVERYTHING);
  const text = formatHostsToml(value);
  assert.deepEqual(parseHostsToml(text), value);
  assert.match(text, /^odd = 1\.0$/m);
  assert.match(text, /^count = 9007199254740993$/m);
  assert.equal(formatHostsToml(parseHostsToml(text)), text);
});

Deno.test("formatHostsToml() gives every host a line of its own", () => {
  const hosts = [
    { url: "http://a", header: { "X-A": "1" } },
    { url: "bare" },
    { url: 'quote"d' },
  ];
  const text = formatHostsToml({ hosts });
  const lines = text.split("\n").filter((line) => line.startsWith("["));
  assert.deepEqual(lines, [
    '[host."http://a"]',
    '[host."http://a".header]',
    "[host.bare]",
    '[host."quote\\"d"]',
  ]);
  assert.ok(text.endsWith("\n"));
});

Deno.test("formatHostsToml() writes an empty value as an empty text", () => {
  assert.equal(formatHostsToml({ hosts: [] }), "");
});
