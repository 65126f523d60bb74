/**
 * Docker config files as they are found, and who is asked because of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../src/upstream/credentials.ts";
import { dockerCredentials } from "../../src/upstream/docker_config.ts";
import { temporaryFolder } from "../hosts/temporary_folder.ts";

const { signal } = new AbortController();
const password = (username: string, password: string): Credentials => ({
  kind: "password",
  username,
  password,
});
const auth = (text: string) => ({ auth: btoa(text) });

/** What a file says of a registry, and which helpers were asked on the way. */
async function found(
  config: unknown,
  registry: string,
  helper: Credentials | null = null,
): Promise<{ credentials: Credentials | null; asked: string[] }> {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  await using folder = await temporaryFolder({ "config.json": text });
  const asked: string[] = [];
  const find = dockerCredentials({
    path: `${folder.path}/config.json`,
    askHelper: (name, key) => {
      asked.push(`${name} ${key}`);
      return Promise.resolve(helper);
    },
  });
  return { credentials: await find(registry, signal), asked };
}

const HUB = "https://index.docker.io/v1/";
const FILES: {
  what: string;
  config: unknown;
  registry: string;
  credentials: Credentials | null;
}[] = [
  {
    what: "a password",
    config: { auths: { "ghcr.io": auth("me:a:b") } },
    registry: "ghcr.io",
    credentials: password("me", "a:b"),
  },
  {
    what: "Docker Hub's key",
    config: { auths: { [HUB]: auth("me:x") } },
    registry: "docker.io",
    credentials: password("me", "x"),
  },
  {
    what: "a key with a scheme and a path",
    config: { auths: { "https://10.0.0.1:5000/v2/": auth("me:x") } },
    registry: "10.0.0.1:5000",
    credentials: password("me", "x"),
  },
  {
    what: "a name and a password in the open",
    config: { auths: { "ghcr.io": { username: "me", password: "x" } } },
    registry: "ghcr.io",
    credentials: password("me", "x"),
  },
  {
    what: "an identity token",
    config: {
      auths: {
        "acr.example": { ...auth("00000000:"), identitytoken: "long" },
      },
    },
    registry: "acr.example",
    credentials: { kind: "identity-token", token: "long" },
  },
  {
    what: "another port",
    config: { auths: { "10.0.0.1:5000": auth("me:x") } },
    registry: "10.0.0.1:5001",
    credentials: null,
  },
  {
    what: "a longer name",
    config: { auths: { "ghcr.io": auth("me:x") } },
    registry: "ghcr.io.example",
    credentials: null,
  },
  {
    what: "an entry that a helper fills",
    config: { auths: { "ghcr.io": {} } },
    registry: "ghcr.io",
    credentials: null,
  },
  {
    what: "nonsense",
    config: { auths: { "ghcr.io": { auth: "%%%" } } },
    registry: "ghcr.io",
    credentials: null,
  },
  { what: "nothing", config: {}, registry: "ghcr.io", credentials: null },
  { what: "null", config: null, registry: "ghcr.io", credentials: null },
];

Deno.test.each(FILES)("dockerCredentials() reads $what", async (row) => {
  const { credentials, asked } = await found(row.config, row.registry);
  assert.deepEqual([credentials, asked], [row.credentials, []]);
});

Deno.test("dockerCredentials() asks the registry's helper before all others", async () => {
  const config = {
    credsStore: "desktop",
    credHelpers: { "ghcr.io": "gh", [HUB]: "hub" },
    auths: { "ghcr.io": auth("me:file") },
  };
  const helper = password("me", "helper");
  assert.deepEqual(await found(config, "ghcr.io", helper), {
    credentials: helper,
    asked: ["gh ghcr.io"],
  });
  assert.deepEqual(await found(config, "docker.io", helper), {
    credentials: helper,
    asked: [`hub ${HUB}`],
  });
  assert.deepEqual(await found(config, "quay.io", helper), {
    credentials: helper,
    asked: ["desktop quay.io"],
  });
});

Deno.test("dockerCredentials() takes what the file has when the helper has nothing", async () => {
  const config = { credsStore: "x", auths: { "ghcr.io": auth("me:file") } };
  assert.deepEqual(await found(config, "ghcr.io"), {
    credentials: password("me", "file"),
    asked: ["x ghcr.io"],
  });
});

Deno.test("dockerCredentials() needs no file", async () => {
  const find = dockerCredentials({ path: "/nowhere/config.json" });
  assert.equal(await find("ghcr.io", signal), null);
});

Deno.test("dockerCredentials() names a file that is broken", async () => {
  await assert.rejects(
    found("{", "ghcr.io"),
    /^Error: Cannot read the credentials in \/.*\/config\.json$/,
  );
});
