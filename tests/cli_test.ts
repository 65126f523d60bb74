/**
 * The commands as a person meets them: help, exit codes, what they print and
 * write.
 *
 * @module
 */

import assert from "node:assert/strict";
import deno from "../deno.json" with { type: "json" };
import { optionsOf } from "../src/config.ts";
import { temporaryFolder } from "./hosts/temporary_folder.ts";
import { program, startProgram } from "./program.ts";

const COMMANDS = {
  run: [
    "containerdSock",
    "containerdNamespace",
    "containerdContentPath",
    "containerdRegistryConfigPath",
    "dataDir",
    "mirrorAddr",
    "peerAddr",
    "routerAddr",
    "metricsAddr",
    "bootstrapKind",
    "staticPeers",
    "dnsBootstrapDomain",
    "httpBootstrapAddr",
    "httpBootstrapPeer",
    "staticBootstrapPeers",
    "peerIp",
    "zone",
    "network",
    "secretFile",
    "mirroredRegistries",
    "registryFilters",
    "resolveTags",
    "resolveLatestTag",
    "upstream",
    "fanOut",
    "logLevel",
  ],
  configure: [
    "containerdRegistryConfigPath",
    "mirrorTargets",
    "mirroredRegistries",
    "resolveTags",
    "logLevel",
  ],
  version: [],
} as const;

const TARGETS = "http://10.0.0.1:30020,http://10.0.0.1:30021";
const PORTS = ["--mirror-addr", "--peer-addr", "--metrics-addr"]
  .map((flag) => `${flag}=127.0.0.1:0`);

function golden(name: string): Promise<string> {
  const url = new URL(`hosts/golden/${name}.toml`, import.meta.url);
  return Deno.readTextFile(url);
}

function accessTo(path: string): { permissions: string[] } {
  return {
    permissions: [
      "--allow-env=PEILI_*",
      `--allow-read=${path}`,
      `--allow-write=${path}`,
    ],
  };
}

Deno.test("peili --help lists every command", async () => {
  const { code, stdout } = await program(["--help"], { permissions: [] });
  assert.equal(code, 0);
  for (const name of Object.keys(COMMANDS)) {
    assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
  }
});

Deno.test.each(
  Object.entries(COMMANDS).map(([name, options]) => ({
    name,
    options,
  })),
)(
  "peili $name --help lists each option, its default and variable",
  async ({ name, options }) => {
    const permissions = ["-P=run"];
    const { code, stdout } = await program([name, "--help"], { permissions });
    assert.equal(code, 0);
    const listed = stdout.split("\n").filter((line) => /^ {2}--/.test(line));
    const expected = optionsOf(options);
    assert.equal(listed.length, expected.length);
    for (const [index, { flags, envVar, description }] of expected.entries()) {
      const line = listed[index] ?? "";
      assert.ok(line.startsWith(`  ${flags} `), line);
      assert.ok(line.includes(description), line);
      assert.ok(line.includes(`env: ${envVar})`), line);
      const mandatory = flags.startsWith("--mirror-targets");
      assert.equal(line.includes("(default: "), !mandatory, line);
    }
  },
);

Deno.test("peili version prints the version, with no permission", async () => {
  assert.deepEqual(await program(["version"], { permissions: [] }), {
    code: 0,
    stdout: `peili ${deno.version}\n`,
    stderr: "",
  });
});

const WRONG: { args: string[]; env?: Record<string, string>; says: string }[] =
  [
    { args: ["nope"], says: "error: unknown command 'nope'" },
    {
      args: ["version", "x"],
      says:
        "error: too many arguments for 'version'. Expected 0 arguments but got 1: x.",
    },
    {
      args: ["run", "--unknown"],
      says: "error: unknown option '--unknown'",
    },
    {
      args: ["configure"],
      says: "error: required option '--mirror-targets <url,...>' not specified",
    },
    {
      args: ["run", "--mirror-addr", "5000"],
      says:
        "error: option '--mirror-addr <host:port>' argument '5000' is invalid. Allowed: :5000, 10.0.0.1:5000, [fd00::1]:5000.",
    },
    {
      args: ["run"],
      env: { PEILI_MIRROR_ADDR: "5000" },
      says:
        "error: option '--mirror-addr <host:port>' value '5000' from env 'PEILI_MIRROR_ADDR' is invalid. Allowed: :5000, 10.0.0.1:5000, [fd00::1]:5000.",
    },
  ];

Deno.test.each(WRONG)("peili $args is told in one line", async (row) => {
  assert.deepEqual(
    await program(row.args, { permissions: ["-P=run"], env: row.env ?? {} }),
    { code: 2, stdout: "", stderr: `${row.says}\n` },
  );
});

Deno.test("peili alone prints its help and fails", async () => {
  const { code, stderr } = await program([], { permissions: ["-P=run"] });
  assert.equal(code, 2);
  assert.match(stderr, /^Usage: peili /);
});

Deno.test.each([
  { args: [], folder: "_default", golden: "several_targets" },
  {
    args: ["--mirrored-registries", "https://docker.io,http://foo.bar:5000"],
    folder: "foo.bar:5000",
    golden: "registry_on_a_port",
  },
])("peili configure $args writes the golden hosts.toml", async (row) => {
  await using at = await temporaryFolder({ "certs.d/keep": "" });
  const path = `${at.path}/certs.d`;
  const { code, stderr } = await program([
    "configure",
    `--mirror-targets=${TARGETS}`,
    `--containerd-registry-config-path=${path}`,
    ...row.args,
  ], accessTo(path));
  assert.equal(code, 0, stderr);
  assert.equal(
    await at.read(`certs.d/${row.folder}/hosts.toml`),
    await golden(row.golden),
  );
});

Deno.test("peili configure is told by variables as well", async () => {
  await using at = await temporaryFolder({ "certs.d/keep": "" });
  const path = `${at.path}/certs.d`;
  const { code, stderr } = await program(["configure"], {
    ...accessTo(path),
    env: {
      PEILI_MIRROR_TARGETS: TARGETS,
      PEILI_CONTAINERD_REGISTRY_CONFIG_PATH: path,
    },
  });
  assert.equal(code, 0, stderr);
  const written = await at.read("certs.d/_default/hosts.toml");
  assert.equal(written, await golden("several_targets"));
});

Deno.test("peili configure fails when it leaves a file alone", async () => {
  const broken = "this is no TOML";
  await using at = await temporaryFolder({
    "certs.d/_default/hosts.toml": broken,
  });
  const path = `${at.path}/certs.d`;
  const { code, stderr } = await program([
    "configure",
    `--mirror-targets=${TARGETS}`,
    `--containerd-registry-config-path=${path}`,
  ], accessTo(path));
  assert.equal(code, 1);
  const line = JSON.parse(stderr);
  assert.deepEqual([line.level, line.kind], ["warn", "left-alone"]);
  assert.equal(await at.read("certs.d/_default/hosts.toml"), broken);
});

Deno.test("peili run ends when it is asked to, with 0", async () => {
  await using node = startProgram(["run", ...PORTS], {
    permissions: ["-P=run"],
  });
  const { version } = await node.line("running");
  assert.equal(version, deno.version);
  node.stop();
  const { code, stdout, stderr } = await node.ended;
  assert.equal(code, 0);
  assert.equal(stdout, "");
  // Every line is one of the log.
  const messages = stderr.trimEnd().split("\n")
    .map((line) => JSON.parse(line).msg);
  assert.equal(messages.at(-1), "stopping");
});

Deno.test("peili run says which option named a taken port", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const { code, stderr } = await program(
    ["run", ...PORTS, `--peer-addr=${address}`],
    { permissions: ["-P=run"] },
  );
  assert.equal(code, 1);
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  const failed = lines.find(({ msg }) => msg === "run failed");
  assert.match(
    failed.error,
    new RegExp(`^Cannot listen on ${address} \\(--peer-addr\\): `),
  );
});

Deno.test("peili run takes an empty variable for one that is not set", async () => {
  const { stderr } = await program(["run", "--fan-out=none"], {
    permissions: ["-P=run"],
    env: { PEILI_LOG_LEVEL: "", PEILI_RESOLVE_TAGS: "" },
  });
  assert.doesNotMatch(stderr, /log-level|resolve-tags/);
  assert.match(stderr, /--fan-out/);
});
