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
  const text = formatHostsToml(docker?.file ?? assert.fail());
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
    file: {
      hosts: TARGETS.map((url) => ({
        url,
        capabilities: ["pull", "resolve"],
        dialTimeout: "1s",
      })),
    },
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
  assert.deepEqual(files.map(({ folder, file }) => [folder, file.server]), [
    ["docker.io", "https://registry-1.docker.io"],
    ["foo.bar:5000", "http://foo.bar:5000"],
    ["ghcr.io:443", "https://ghcr.io:443"],
    ["[fd00::9]:5000", "https://[fd00::9]:5000"],
    ["_default", undefined],
  ]);
});

Deno.test("mirrorHosts() leaves tags to the registry when told so", () => {
  const [first] = mirrorHosts({ mirrorTargets: TARGETS, resolveTags: false });
  const capabilities = first?.file.hosts.map((host) => host.capabilities);
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
  const urls = first?.file.hosts.map(({ url }) => url);
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
  "https://_peili_backup",
  "https://fd00::1",
])("mirrorHosts() rejects the registry '%s' and names it", (registry) => {
  assert.throws(
    () => mirrorHosts({ registries: [registry], mirrorTargets: TARGETS }),
    (error) =>
      error instanceof TypeError &&
      error.message.startsWith(`Cannot use registry "${registry}": `),
  );
});

Deno.test("mirrorHosts() says that an IPv6 address needs brackets", () => {
  assert.throws(
    () => mirrorHosts({ mirrorTargets: ["http://fd00::1:30020"] }),
    /mirror target "http:\/\/fd00::1:30020": an IPv6 address needs brackets/,
  );
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
  assert.equal(first?.file.hosts[0]?.dialTimeout, text);
});
