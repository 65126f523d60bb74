/**
 * The commands as a person meets them: help, exit codes, what they print and
 * write.
 *
 * @module
 */

import assert from "node:assert/strict";
import { applyPatch, parsePatch } from "diff";
import deno from "../deno.json" with { type: "json" };
import { COMMANDS } from "../src/cli.ts";
import { optionsOf } from "../src/config.ts";
import { temporaryFolder } from "./hosts/temporary_folder.ts";
import { program, startProgram } from "./program.ts";
import { eventually } from "./suites/eventually.ts";

const TARGETS = "http://10.0.0.1:30020,http://10.0.0.1:30021";
const PORTS = ["--mirror-addr", "--peer-addr", "--metrics-addr"]
  .map((flag) => `${flag}=127.0.0.1:0`);

/** An address that nobody has taken a moment ago. */
function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
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
  for (const { name } of COMMANDS) {
    assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
  }
});

Deno.test.each(COMMANDS.map(({ name, options }) => ({ name, options })))(
  "peili $name --help lists each option, its default and variable",
  async ({ name, options }) => {
    const permissions = ["-P=run"];
    const { code, stdout } = await program([name, "--help"], { permissions });
    assert.equal(code, 0);
    // Where there is room for it, help stands in several lines.
    const unwrapped = stdout.replace(/\n {20,}/g, " ");
    const listed = unwrapped.split("\n").filter((line) => /^ {2}--/.test(line));
    const expected = optionsOf(options);
    assert.equal(listed.length, expected.length);
    for (const [index, { flags, envVar, description }] of expected.entries()) {
      const line = listed[index] ?? "";
      assert.ok(line.startsWith(`  ${flags} `), line);
      assert.ok(line.includes(description), line);
      assert.ok(line.includes(`env: ${envVar})`), line);
      const mandatory = /^--(mirror-targets|node|to) /.test(flags);
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
    { args: ["mend"], says: "error: unknown command 'mend'" },
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

const USER = '[host."https://own-mirror.example"]\n';

/** A node with a folder of the user's, and how the program is run on it. */
async function nodeWith(files: Record<string, string>) {
  const at = await temporaryFolder(files);
  const path = `${at.path}/certs.d`;
  return {
    ...at,
    run: (args: readonly string[], env: Record<string, string> = {}) =>
      program(
        [...args, `--containerd-registry-config-path=${path}`],
        { ...accessTo(at.path), env },
      ),
  };
}

const CONFIGURE = ["configure", `--mirror-targets=${TARGETS}`];

Deno.test("peili configure writes what peili restore takes out again", async () => {
  const before = { "certs.d/docker.io/hosts.toml": USER };
  await using at = await nodeWith(before);
  const { code, stderr } = await at.run(CONFIGURE);
  assert.equal(code, 0, stderr);
  const text = await at.read("certs.d/docker.io/hosts.toml");
  assert.match(text, /^\[host\."http:\/\/10\.0\.0\.1:30021"\]$/m);
  assert.ok(text.endsWith(USER), text);
  const other = await at.run(["restore", "--deployment=other"]);
  assert.deepEqual([other.code, other.stderr], [0, ""]);
  assert.equal(await at.read("certs.d/docker.io/hosts.toml"), text);
  assert.equal((await at.run(["restore"])).code, 0);
  assert.deepEqual(await at.files(), before);
});

Deno.test("peili configure is told by variables as well", async () => {
  await using at = await nodeWith({ "certs.d/keep": "" });
  const { code, stderr } = await at.run(["configure"], {
    PEILI_MIRROR_TARGETS: TARGETS,
    PEILI_MIRRORED_REGISTRIES: "http://foo.bar:5000",
    PEILI_DEPLOYMENT: "other",
    PEILI_RESOLVE_TAGS: "false",
  });
  assert.equal(code, 0, stderr);
  const text = await at.read("certs.d/foo.bar:5000/hosts.toml");
  assert.match(text, /^# peili: deployment other /m);
  assert.match(text, /^server = "http:\/\/foo\.bar:5000"$/m);
  assert.match(text, /^capabilities = \[ "pull" \]$/m);
});

Deno.test("peili configure --dry-run prints a diff of what it would do", async () => {
  await using at = await nodeWith({ "certs.d/docker.io/hosts.toml": USER });
  const { code, stdout } = await at.run([...CONFIGURE, "--dry-run"]);
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(await at.files()), [
    "certs.d/docker.io/hosts.toml",
  ]);
  const patched: Record<string, string> = {};
  for (const patch of parsePatch(stdout)) {
    const name = patch.newFileName?.slice(at.path.length + 1) ?? "";
    const before = patch.oldFileName === "/dev/null" ? "" : USER;
    patched[name] = applyPatch(before, patch) || "it does not apply";
  }
  assert.equal(Object.keys(patched).length, 2);
  await at.run(CONFIGURE);
  assert.deepEqual(await at.files(), patched);
});

Deno.test("peili configure --print prints a script and writes nothing", async () => {
  await using at = await nodeWith({ "certs.d/keep": "" });
  const targets = "--mirror-targets=http://NODE_IP:30020";
  const { code, stdout } = await at.run(["configure", targets, "--print"]);
  assert.equal(code, 0);
  assert.match(stdout, /^#!\/bin\/sh\n/);
  assert.ok(stdout.includes(`folder='${at.path}/certs.d/_default'`), stdout);
  assert.deepEqual(Object.keys(await at.files()), ["certs.d/keep"]);
});

Deno.test("peili configure fails when it leaves a file alone", async () => {
  const broken = "this is no TOML";
  await using at = await nodeWith({ "certs.d/_default/hosts.toml": broken });
  const { code, stderr } = await at.run(CONFIGURE);
  assert.equal(code, 1);
  const line = JSON.parse(stderr);
  assert.deepEqual([line.level, line.kind], ["warn", "left-alone"]);
  assert.equal(await at.read("certs.d/_default/hosts.toml"), broken);
  for (const args of [CONFIGURE, ["restore"]]) {
    assert.equal((await at.run([...args, "--lenient"])).code, 0);
  }
});

Deno.test("peili restore --stay goes on until it is asked to end", async () => {
  await using at = await nodeWith({});
  const path = `${at.path}/certs.d`;
  assert.equal((await at.run(CONFIGURE)).code, 0);
  await using staying = startProgram(
    ["restore", "--stay", `--containerd-registry-config-path=${path}`],
    accessTo(at.path),
  );
  await staying.line("staying");
  assert.deepEqual(await at.files(), {});
  staying.stop();
  assert.equal((await staying.ended).code, 0);
});

Deno.test("peili configure refuses loopback and says why", async () => {
  await using at = await nodeWith({ "certs.d/keep": "" });
  const args = ["configure", "--mirror-targets=http://127.0.0.1:5000"];
  const { code, stderr } = await at.run(args);
  assert.equal(code, 1);
  assert.match(JSON.parse(stderr).error, /it is loopback, .*--loopback/);
  assert.equal((await at.run([...args, "--loopback"])).code, 0);
});

Deno.test("peili configure shows, and changes when asked, containerd's own configuration", async () => {
  const before = { "config.toml": "version = 2\n# mine\n" };
  await using at = await nodeWith({ ...before, "certs.d/keep": "" });
  const option = `--containerd-config=${at.path}/config.toml`;
  const shown = await at.run([...CONFIGURE, option]);
  assert.equal(shown.code, 0, shown.stderr);
  const line = `+  config_path = "${at.path}/certs.d" # peili: added\n`;
  assert.ok(shown.stdout.includes(line), shown.stdout);
  assert.equal(await at.read("config.toml"), before["config.toml"]);
  const changed = await at.run([...CONFIGURE, option, "--apply"]);
  assert.equal(changed.code, 0, changed.stderr);
  assert.match(changed.stderr, /"todo":"restart containerd/);
  assert.match(await at.read("config.toml"), /config_path = .*added$/m);
  await at.run(["restore", option, "--apply"]);
  const { "certs.d/keep": _, ...after } = await at.files();
  assert.deepEqual(after, before);
});

Deno.test("peili restore keeps containerd's configuration while another deployment needs it", async () => {
  const before = { "config.toml": "version = 2\n" };
  await using at = await nodeWith({ ...before, "certs.d/keep": "" });
  const option = `--containerd-config=${at.path}/config.toml`;
  for (const name of ["a", "b"]) {
    await at.run([...CONFIGURE, option, "--apply", `--deployment=${name}`]);
  }
  const changed = await at.read("config.toml");
  assert.match(changed, /peili: added/);
  const restore = ["restore", option, "--apply"];
  const first = await at.run([...restore, "--deployment=a"]);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /"neededBy":"b"/);
  assert.equal(await at.read("config.toml"), changed);
  await at.run([...restore, "--deployment=b"]);
  assert.equal(await at.read("config.toml"), before["config.toml"]);
});

Deno.test("peili configure fails where a person must change containerd's configuration, and says how", async () => {
  const generated = "# DO NOT EDIT\nversion = 3\n";
  await using at = await nodeWith({ "config.toml": generated });
  const option = `--containerd-config=${at.path}/config.toml`;
  const { code, stdout } = await at.run([...CONFIGURE, option, "--apply"]);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    `# To be put into ${at.path}/config.toml:\nversion = 3\n` +
      '[plugins."io.containerd.cri.v1.images".registry]\n' +
      `  config_path = "${at.path}/certs.d"\n`,
  );
  assert.equal(await at.read("config.toml"), generated);
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

Deno.test("peili run opens its mirror's port first, and who asks waits for the rest", async () => {
  await using folder = await temporaryFolder();
  // The start hangs here until somebody writes: what follows needs the secret.
  const secret = `${folder.path}/secret`;
  const made = await new Deno.Command("mkfifo", { args: [secret] }).output();
  assert.ok(made.success);
  const mirror = freeAddress();
  await using node = startProgram(
    ["run", ...PORTS, `--mirror-addr=${mirror}`, `--secret-file=${secret}`],
    { permissions: ["-P=run", `--allow-read=${folder.path}`] },
  );
  await eventually("its port is open", async () => {
    const [hostname = "", port] = mirror.split(":");
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return true;
    } catch {
      return false;
    }
  });
  const answer = fetch(`http://${mirror}/v2/app/manifests/v1?ns=r.example`);
  await Deno.writeTextFile(secret, "c2VjcmV0IG9mIGEgdGVzdA==\n");
  const { status } = await answer;
  assert.equal(status, 404);
  await (await answer).body?.cancel();
  await node.line("running");
});

Deno.test("peili run asks other nodes without a proxy", async () => {
  const permissions = ["-P=run"];
  await using other = startProgram(["run", ...PORTS], { permissions });
  const { peer } = await other.line("running");
  await using node = startProgram(
    ["run", ...PORTS, `--static-peers=${peer}`],
    {
      permissions,
      // Nobody listens there.
      env: { ["HTTP_PROXY"]: "http://127.0.0.1:1", ["NO_PROXY"]: "x.example" },
    },
  );
  assert.equal((await node.line("peer is there")).peer, peer);
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

/** Nothing of this machine's, whatever it has. */
const NOWHERE = ["sock", "content-path", "registry-config-path", "config"]
  .map((name) => `--containerd-${name}=/nowhere/${name}`);

Deno.test("peili doctor prints what is wrong, and ends with 2", async () => {
  const { code, stdout, stderr } = await program(
    ["doctor", ...NOWHERE, ...PORTS],
    { permissions: ["-P=doctor"] },
  );
  assert.deepEqual([code, stderr], [2, ""]);
  const [first, fix] = stdout.split("\n");
  assert.match(first ?? "", /^problem +socket +there is no \/nowhere\/sock/);
  assert.match(fix ?? "", /^ {9}\S/);
  assert.match(stdout, /\n\n\d+ ok, .*\d problems \(\d+\.\d s\)\n$/);
  assert.ok(!stdout.includes("\x1b"), "colours are for terminals");
});

Deno.test("peili doctor looks for a router with its set alone", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { stdout } = await program([
    ...["doctor", ...NOWHERE, ...PORTS, `--router-addr=127.0.0.1:${port}`],
    "--static-bootstrap-peers=/ip4/127.0.0.1/tcp/9",
  ], { permissions: ["-P=doctor"] });
  assert.match(
    stdout,
    new RegExp(`another program listens on ${port} \\(--router-addr\\)`),
  );
  assert.match(
    stdout,
    /^warning +bootstrap +--static-bootstrap-peers names this node only$/m,
  );
});

Deno.test("peili doctor --json prints one JSON object", async () => {
  const { code, stdout } = await program(
    ["doctor", "--json", ...NOWHERE, ...PORTS],
    { permissions: ["-P=doctor"] },
  );
  const { exitCode, checks } = JSON.parse(stdout);
  assert.deepEqual([code, exitCode], [2, 2]);
  assert.equal(checks[0].check, "socket");
});

Deno.test("peili run logs what doctor finds, and goes on", async () => {
  await using node = startProgram(["run", ...NOWHERE, ...PORTS], {
    permissions: ["--allow-all"],
  });
  const { level, check, fix } = await node.line("doctor: problem");
  assert.equal(level, "error");
  assert.equal(typeof check, "string");
  assert.ok(Array.isArray(fix));
  node.stop();
  assert.equal((await node.ended).code, 0);
});

Deno.test("peili run --strict ends with 2 when doctor finds a problem", async () => {
  await using node = startProgram(["run", "--strict", ...NOWHERE, ...PORTS], {
    permissions: ["--allow-all"],
  });
  const { code, stderr } = await node.ended;
  assert.equal(code, 2);
  const messages = stderr.trimEnd().split("\n")
    .map((line) => JSON.parse(line).msg);
  assert.ok(messages.includes("doctor: problem"));
  assert.equal(messages.at(-1), "stopping");
});
