/**
 * Which hosts.toml files make containerd ask the mirror.
 * @module
 */

import assert from "node:assert/strict";
import { formatHostsToml, parseHostsToml } from "../../src/hosts/hosts_toml.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";

const TARGETS = ["http://10.0.0.1:30020", "http://10.0.0.1:30021"];

/** What a node that is set up by hand has, in another hand's quoting. */
const BY_HAND = `
server = 'https://registry-1.docker.io'

[host.'http://10.0.0.1:30020']
capabilities = ['pull', 'resolve']
dial_timeout = '200ms'

[host.'http://10.0.0.1:30021']
capabilities = ['pull', 'resolve']
dial_timeout = '200ms'`;

Deno.test("mirrorHosts() says what a file written by hand says", () => {
  const [docker] = mirrorHosts({
    registries: ["https://docker.io"],
    mirrorTargets: TARGETS,
    dialTimeoutMs: 200,
  });
  const { server, hosts } = docker ?? assert.fail();
  const own = hosts.map(({ redirects: _, ...host }) => host);
  const text = formatHostsToml({ ...(server ? { server } : {}), hosts: own });
  assert.deepEqual(parseHostsToml(text), parseHostsToml(BY_HAND));
});

Deno.test.each([
  { name: "no registries", registries: [] },
  { name: "_default", registries: ["_default"] },
  { name: "*", registries: ["*"] },
  { name: "both words", registries: ["*", "_default"] },
])("mirrorHosts() makes one file without server for $name", (row) => {
  const files = mirrorHosts({ ...row, mirrorTargets: TARGETS });
  assert.deepEqual(files, [{
    folder: "_default",
    hosts: TARGETS.map((url) => ({
      url,
      redirects: true,
      capabilities: ["pull", "resolve"],
      dialTimeout: "1s",
    })),
  }]);
});

Deno.test("mirrorHosts() makes one file for each registry, named as in images", () => {
  const files = mirrorHosts({
    registries: [
      "https://docker.io",
      "http://foo.bar:5000",
      "https://docker.io",
      "https://ghcr.io:443",
      "https://[fd00::9]:5000",
      "_default",
    ],
    mirrorTargets: TARGETS,
  });
  assert.deepEqual(files.map(({ folder, server }) => [folder, server]), [
    ["docker.io", "https://registry-1.docker.io"],
    ["foo.bar:5000", "http://foo.bar:5000"],
    ["ghcr.io:443", "https://ghcr.io:443"],
    ["[fd00::9]:5000", "https://[fd00::9]:5000"],
    ["_default", undefined],
  ]);
});

Deno.test("mirrorHosts() leaves tags to the registry when told so", () => {
  const [first] = mirrorHosts({ mirrorTargets: TARGETS, resolveTags: false });
  const capabilities = first?.hosts.map((host) => host.capabilities);
  assert.deepEqual(capabilities, [["pull"], ["pull"]]);
});

Deno.test("mirrorHosts() keeps the order of targets and drops duplicates", () => {
  const [first] = mirrorHosts({
    mirrorTargets: [
      "http://[fd00::1]:30020",
      "http://node",
      "http://[FD00:0::1]:30020",
      "http://NODE:80",
    ],
  });
  const urls = first?.hosts.map(({ url }) => url);
  assert.deepEqual(urls, ["http://[fd00::1]:30020", "http://node"]);
});

Deno.test.each([
  "",
  "docker.io",
  "ftp://docker.io",
  "https://",
  "https://docker.io/",
  "https://docker.io/library",
  "https://docker.io?x=y",
  "https://docker.io#x",
  "https://user:secret@docker.io",
  "https://docker.io:",
  "https://docker.io:99999",
  "https://docker .io",
  "https://..",
  "https://_backup",
  "https://foo_5000_",
  "https://fd00::1",
])("mirrorHosts() rejects the registry '%s' and names it", (registry) => {
  assert.throws(
    () => mirrorHosts({ registries: [registry], mirrorTargets: TARGETS }),
    (error) =>
      error instanceof TypeError &&
      error.message.startsWith(`Cannot use registry "${registry}": `),
  );
});

Deno.test.each([
  { given: "http://fd00::1:30020", url: "http://[fd00::1]:30020" },
  { given: "https://::1:5000", url: "https://[::1]:5000" },
  { given: "http://fe80::a:b:5000", url: "http://[fe80::a:b]:5000" },
  { given: "http://[fd00::1]:30020", url: "http://[fd00::1]:30020" },
])("mirrorHosts() puts $given into brackets", ({ given, url }) => {
  const [first] = mirrorHosts({ mirrorTargets: [given], loopback: true });
  assert.deepEqual(first?.hosts.map((host) => host.url), [url]);
});

Deno.test("mirrorHosts() says that an IPv6 address needs brackets where its port is missing", () => {
  assert.throws(
    () => mirrorHosts({ mirrorTargets: ["http://1:2:3:4:5:6:7:8"] }),
    /mirror target "http:\/\/1:2.*": an IPv6 address needs brackets/,
  );
});

Deno.test.each([
  "http://127.0.0.1:30020",
  "http://127.1.2.3:30020",
  "http://localhost:30020",
  "http://[::1]:30020",
  "http://::1:30020",
  "http://[::ffff:127.0.0.1]:30020",
  "http://0.0.0.0:30020",
  "http://[::]:30020",
])(
  "mirrorHosts() refuses %s with the reason, unless Peili listens there",
  (target) => {
    assert.throws(
      () => mirrorHosts({ mirrorTargets: [target] }),
      /it is loopback, where a host port .* give the node's IP, or --loopback/,
    );
    mirrorHosts({ mirrorTargets: [target], loopback: true });
  },
);

Deno.test("mirrorHosts() asks further mirrors last, and has no opinion on loopback there", () => {
  const [first] = mirrorHosts({
    mirrorTargets: TARGETS,
    additionalTargets: ["http://127.0.0.1:5000", TARGETS[0] ?? ""],
  });
  const seen = first?.hosts.map(({ url, redirects }) => [url, redirects]);
  assert.deepEqual(seen, [
    [TARGETS[0], true],
    [TARGETS[1], true],
    ["http://127.0.0.1:5000", false],
  ]);
});

Deno.test("mirrorHosts() takes NODE_IP only where it is filled in", () => {
  const mirrorTargets = ["http://NODE_IP:30020"];
  assert.throws(
    () => mirrorHosts({ mirrorTargets }),
    /NODE_IP stands for the node's address: give that/,
  );
  const [first] = mirrorHosts({ mirrorTargets, placeholder: true });
  assert.equal(first?.hosts[0]?.url, mirrorTargets[0]);
});

Deno.test("mirrorHosts() rejects one registry with two schemes", () => {
  const registries = ["http://foo:5000", "https://foo:5000"];
  assert.throws(() => mirrorHosts({ registries, mirrorTargets: TARGETS }), {
    name: "RangeError",
    message: "Cannot mirror foo:5000: it is given as both http and https",
  });
});

Deno.test("mirrorHosts() rejects an empty list of targets", () => {
  assert.throws(() => mirrorHosts({ mirrorTargets: [] }), RangeError);
});

Deno.test.each([0, -1, 1.5, NaN, Infinity])(
  "mirrorHosts() rejects a dial timeout of %s ms",
  (dialTimeoutMs) => {
    assert.throws(
      () => mirrorHosts({ mirrorTargets: TARGETS, dialTimeoutMs }),
      RangeError,
    );
  },
);

Deno.test.each([
  { ms: 200, text: "200ms" },
  { ms: 1500, text: "1500ms" },
  { ms: 60_000, text: "60s" },
])("mirrorHosts() writes $ms ms as $text", ({ ms, text }) => {
  const [first] = mirrorHosts({ mirrorTargets: TARGETS, dialTimeoutMs: ms });
  assert.equal(first?.hosts[0]?.dialTimeout, text);
});
