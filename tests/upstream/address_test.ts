/**
 * Where a registry is: what is told, what containerd's files say, and names that
 * want to be more than names.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Upstream, upstreamAddress } from "../../src/upstream/address.ts";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../hosts/temporary_folder.ts";

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();

/** A finder over these files, by their path below certs.d. */
async function finder(
  files: Record<string, string>,
  overrides: ReadonlyMap<string, string> = NO_OVERRIDES,
): Promise<{ find: Upstream } & AsyncDisposable> {
  const folder = await temporaryFolder(files);
  return {
    find: upstreamAddress({ configPath: folder.path, overrides }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A finder over a folder that changes, and its clock. */
function watched(
  { path }: TemporaryFolder,
): { find: Upstream; pass(ms: number): void } {
  let now = 0;
  const options = { configPath: path, overrides: NO_OVERRIDES };
  return {
    find: upstreamAddress(options, () => now),
    pass: (ms) => void (now += ms),
  };
}

const MIRROR = `[host."http://127.0.0.1:30020"]\n`;

/** A hosts.toml as `configure` writes it, with a server in front. */
const hostsToml = (server: string) => `server = "${server}"\n\n${MIRROR}`;

const UNTOLD: { registry: string; url: string }[] = [
  { registry: "docker.io", url: "https://registry-1.docker.io" },
  { registry: "ghcr.io", url: "https://ghcr.io" },
  { registry: "10.99.0.2:5000", url: "https://10.99.0.2:5000" },
  { registry: "[fd00::9]:5000", url: "https://[fd00::9]:5000" },
  { registry: "index.docker.io", url: "https://index.docker.io" },
  // As containerd does; a name that only looks like this machine is another.
  { registry: "localhost:5000", url: "http://localhost:5000" },
  { registry: "127.0.0.9:5000", url: "http://127.0.0.9:5000" },
  { registry: "[::1]:5000", url: "http://[::1]:5000" },
  { registry: "127.0.0.1.example", url: "https://127.0.0.1.example" },
  { registry: "localhost.example", url: "https://localhost.example" },
];

Deno.test.each(UNTOLD)(
  "upstreamAddress() takes $registry for $url when nothing is told",
  async ({ registry, url }) => {
    await using at = await finder({});
    assert.equal(await at.find(registry), url);
  },
);

Deno.test("upstreamAddress() needs no folder at all", async () => {
  const find = upstreamAddress({
    configPath: "/nowhere/certs.d",
    overrides: NO_OVERRIDES,
  });
  assert.equal(await find("ghcr.io"), "https://ghcr.io");
});

const SERVERS: { server: string; url: string | null }[] = [
  { server: "https://real.example", url: "https://real.example" },
  { server: "http://10.99.0.2:5000", url: "http://10.99.0.2:5000" },
  { server: "https://real.example/", url: "https://real.example" },
  { server: "https://real.example//", url: "https://real.example" },
  { server: "https://real.example/v2", url: "https://real.example" },
  { server: "https://real.example/v2/", url: "https://real.example" },
  { server: "https://real.example/a/v2/", url: "https://real.example/a" },
  { server: "https://real.example/v2/a", url: "https://real.example/v2/a" },
  { server: "https://real.example/av2", url: "https://real.example/av2" },
  // containerd adds the scheme.
  { server: "real.example", url: "https://real.example" },
  { server: "real.example:5000/v2", url: "https://real.example:5000" },
  { server: "ftp://real.example", url: null },
  { server: "https://", url: null },
  { server: "https://real.example:port", url: null },
  { server: "https://real.example/?x=", url: null },
  { server: "https://real.example/#x", url: null },
];

Deno.test.each(SERVERS)(
  "upstreamAddress() reads the server '$server'",
  async ({ server, url }) => {
    await using at = await finder({ "ghcr.io/hosts.toml": hostsToml(server) });
    assert.equal(await at.find("ghcr.io"), url);
  },
);

Deno.test.each([
  { path: "https://real.example/odd/place", url: null },
  { path: "https://real.example", url: null },
  { path: "https://real.example/odd/v2/", url: "https://real.example/odd" },
])(
  "upstreamAddress() knows that $path with override_path has no /v2 of its own",
  async ({ path, url }) => {
    const text = `server = "${path}"\noverride_path = true\n${MIRROR}`;
    await using at = await finder({ "ghcr.io/hosts.toml": text });
    assert.equal(await at.find("ghcr.io"), url);
  },
);

const FILES: { name: string; files: Record<string, string>; url: string }[] = [
  {
    name: "an empty server",
    files: { "docker.io/hosts.toml": hostsToml("") },
    url: "https://registry-1.docker.io",
  },
  {
    name: "no server",
    files: { "docker.io/hosts.toml": MIRROR },
    url: "https://registry-1.docker.io",
  },
  {
    name: "no TOML, as containerd does",
    files: { "docker.io/hosts.toml": "server = " },
    url: "https://registry-1.docker.io",
  },
  {
    name: "a server of another shape",
    files: { "docker.io/hosts.toml": `server = ["https://a"]` },
    url: "https://registry-1.docker.io",
  },
  {
    name: "certificates alone",
    files: { "docker.io/ca.crt": "" },
    url: "https://registry-1.docker.io",
  },
  {
    name: "only a _default",
    files: { "_default/hosts.toml": hostsToml("https://all.example") },
    url: "https://registry-1.docker.io",
  },
  {
    name: "a folder of its own beside _default",
    files: {
      "docker.io/hosts.toml": hostsToml("https://own.example"),
      "_default/hosts.toml": hostsToml("https://all.example"),
    },
    url: "https://own.example",
  },
  {
    name: "the folder of another registry",
    files: { "ghcr.io/hosts.toml": hostsToml("https://other.example") },
    url: "https://registry-1.docker.io",
  },
];

Deno.test.each(FILES)(
  "upstreamAddress() of a registry with $name",
  async ({ files, url }) => {
    await using at = await finder(files);
    assert.equal(await at.find("docker.io"), url);
  },
);

Deno.test("upstreamAddress() finds a registry on a port in both folders", async () => {
  const file = hostsToml("http://10.99.0.2:5000");
  for (const folder of ["10.99.0.2:5000", "10.99.0.2_5000_"]) {
    await using at = await finder({ [`${folder}/hosts.toml`]: file });
    assert.equal(await at.find("10.99.0.2:5000"), "http://10.99.0.2:5000");
  }
});

Deno.test("upstreamAddress() lets what is told win", async () => {
  const overrides = new Map([["docker.io", "http://10.0.0.1:5000/v2/"]]);
  await using at = await finder({
    "docker.io/hosts.toml": hostsToml("https://own.example"),
  }, overrides);
  assert.equal(await at.find("docker.io"), "http://10.0.0.1:5000");
  assert.equal(await at.find("ghcr.io"), "https://ghcr.io");
});

Deno.test.each(["no url", "ftp://x", "https://", "", "javascript:x"])(
  "upstreamAddress() never sends anybody to '%s'",
  async (url) => {
    const overrides = new Map([["ghcr.io", url]]);
    await using at = await finder({}, overrides);
    // Told nothing is not told wrongly.
    assert.equal(await at.find("ghcr.io"), url ? null : "https://ghcr.io");
  },
);

Deno.test("upstreamAddress() looks through a list of folders", async () => {
  await using first = await temporaryFolder({
    "ghcr.io/hosts.toml": hostsToml("https://first.example"),
  });
  await using second = await temporaryFolder({
    "ghcr.io/hosts.toml": hostsToml("https://second.example"),
    "quay.io/hosts.toml": hostsToml("https://quay.example"),
  });
  const find = upstreamAddress({
    configPath: `${first.path}/::${second.path}:/nowhere`,
    overrides: NO_OVERRIDES,
  });
  assert.equal(await find("ghcr.io"), "https://first.example");
  assert.equal(await find("quay.io"), "https://quay.example");
});

Deno.test("upstreamAddress() sees a change after 5 s, and reads no more often", async () => {
  await using folder = await temporaryFolder({
    "ghcr.io/hosts.toml": hostsToml("https://old.example"),
  });
  const { find, pass } = watched(folder);
  assert.equal(await find("ghcr.io"), "https://old.example");
  await folder.write("ghcr.io/hosts.toml", hostsToml("https://new.example"));
  pass(4_999);
  assert.equal(await find("ghcr.io"), "https://old.example");
  pass(1);
  assert.equal(await find("ghcr.io"), "https://new.example");
});

Deno.test("upstreamAddress() sees that an unknown address became known", async () => {
  await using folder = await temporaryFolder({
    "ghcr.io/hosts.toml": hostsToml("ftp://x"),
  });
  const { find, pass } = watched(folder);
  assert.equal(await find("ghcr.io"), null);
  await folder.write("ghcr.io/hosts.toml", hostsToml("https://new.example"));
  pass(5_000);
  assert.equal(await find("ghcr.io"), "https://new.example");
});

const HOSTILE = [
  "../outside",
  "..",
  ".",
  "",
  "a/../../outside",
  "/outside",
  "ghcr.io/../../outside",
  "outside\0",
  "__proto__",
  "_default",
];

Deno.test.each(HOSTILE)(
  "upstreamAddress() never reads outside its folder, for '%s'",
  async (registry) => {
    const outside = hostsToml("https://outside.example");
    await using folder = await temporaryFolder({
      "hosts.toml": outside,
      "outside/hosts.toml": outside,
      "certs.d/hosts.toml": outside,
      "certs.d/_default/hosts.toml": outside,
      "certs.d/ghcr.io/hosts.toml": hostsToml("https://ghcr.example"),
    });
    const find = upstreamAddress({
      configPath: `${folder.path}/certs.d`,
      overrides: NO_OVERRIDES,
    });
    const url = await find(registry);
    assert.doesNotMatch(url ?? "", /example/);
  },
);

Deno.test.each(["constructor", "toString"])(
  "upstreamAddress() takes '%s' for a host like any other",
  async (registry) => {
    await using at = await finder({});
    assert.equal(await at.find(registry), `https://${registry}`);
  },
);

Deno.test.each(["a b", "a\r\nX-Evil: 1", "a/b", "a?b", "a#b", "u:p@a", ""])(
  "upstreamAddress() knows no address of '%s', which is no registry",
  async (registry) => {
    await using at = await finder({});
    assert.equal(await at.find(registry), null);
  },
);

Deno.test("upstreamAddress() takes the registry's own entry without a server", async () => {
  const registry = "10.99.0.2:5000";
  const own = `[host."http://${registry}"]\n`;
  await using at = await finder({
    [`${registry}/hosts.toml`]: `${MIRROR}\n${own}`,
  });
  assert.equal(await at.find(registry), `http://${registry}`);
});
