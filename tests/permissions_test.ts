/**
 * Each command with only the permissions of its set in `deno.json`: it works, and
 * anything else is refused.
 *
 * @module
 */

import assert from "node:assert/strict";
import { layoutFolder } from "./layout/layout_folder.ts";
import { program, startProgram } from "./program.ts";
import { bundled } from "./project_copy.ts";
import { LAYER } from "./suites/content.ts";
import { rawRequest } from "./wire/raw_client.ts";

/**
 * Tries what no set may allow. Each path is below a folder that is not there, so
 * that nothing is written even where a set allows too much.
 */
const TRIES = `
const tries = {
  config: () => Deno.writeTextFile("/etc/containerd/none/x", ""),
  certs: () => Deno.writeTextFile("/etc/containerd/certs.d/none/x", ""),
  content: () =>
    Deno.writeTextFile(
      "/var/lib/containerd/io.containerd.content.v1.content/none/x",
      "",
    ),
  data: () => Deno.writeTextFile("/var/lib/peili/none/x", ""),
  elsewhere: () => Deno.writeTextFile("/none/x", ""),
  temporary: () => Deno.makeTempDir(),
  read: () => Deno.readTextFile("/etc/hostname"),
  run: () => new Deno.Command("/bin/true").output(),
  library: () => Deno.dlopen("/none.so", {}),
  variable: () => Deno.env.get("HOME"),
  net: () => Deno.connect({ hostname: "127.0.0.1", port: 1 }),
};
const outcomes = {};
for (const [name, attempt] of Object.entries(tries)) {
  try {
    await attempt();
    outcomes[name] = "done";
  } catch (error) {
    outcomes[name] = error.name;
  }
}
console.log(JSON.stringify(outcomes));
`;

async function outcomes(set: string): Promise<Record<string, string>> {
  const { stdout, stderr } = await program([], {
    permissions: [`-P=${set}`],
    // Not there: what may be written leaves nothing behind.
    env: { ["TMPDIR"]: "/none" },
    script: TRIES,
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
}

Deno.test("the set run writes to its data folder and nowhere else", async () => {
  const { net, ...rest } = await outcomes("run");
  assert.deepEqual(rest, {
    config: "NotCapable",
    certs: "NotCapable",
    content: "NotCapable",
    // Allowed: that it is not there is all that stops it.
    data: "NotFound",
    elsewhere: "NotCapable",
    temporary: "NotCapable",
    read: "NotCapable",
    run: "NotCapable",
    library: "NotCapable",
    variable: "NotCapable",
  });
  assert.notEqual(net, "NotCapable");
});

Deno.test.each([
  { set: "configure", where: "certs.d", config: "NotCapable" },
  {
    set: "configure-containerd",
    where: "containerd's configuration",
    config: "NotFound",
  },
])(
  "the set $set writes to $where and nowhere else",
  async ({ set, config }) => {
    assert.deepEqual(await outcomes(set), {
      config,
      certs: "NotFound",
      content: "NotCapable",
      data: "NotCapable",
      elsewhere: "NotCapable",
      temporary: "NotCapable",
      read: "NotCapable",
      run: "NotCapable",
      library: "NotCapable",
      variable: "NotCapable",
      net: "NotCapable",
    });
  },
);

Deno.test.each([
  { set: "wait", data: "NotCapable" },
  { set: "zone", data: "NotFound" },
])("the set $set reads a token, and nothing of the node", async (row) => {
  const { net, ...rest } = await outcomes(row.set);
  assert.deepEqual(rest, {
    config: "NotCapable",
    certs: "NotCapable",
    content: "NotCapable",
    data: row.data,
    elsewhere: "NotCapable",
    temporary: "NotCapable",
    read: "NotCapable",
    run: "NotCapable",
    library: "NotCapable",
    variable: "NotCapable",
  });
  assert.notEqual(net, "NotCapable");
});

Deno.test("the set doctor reads what it likes, and writes nothing", async () => {
  const { net, ...rest } = await outcomes("doctor");
  assert.deepEqual(rest, {
    certs: "NotCapable",
    config: "NotCapable",
    content: "NotCapable",
    data: "NotCapable",
    elsewhere: "NotCapable",
    temporary: "NotCapable",
    read: "done",
    run: "NotCapable",
    library: "NotCapable",
    variable: "NotCapable",
  });
  assert.notEqual(net, "NotCapable");
});

Deno.test("the set pull reaches every registry and folder, and runs no program", async () => {
  const { net, elsewhere, read, temporary, ...rest } = await outcomes("pull");
  // What it may not is by Deno's permissions, what it cannot by the system's.
  for (const allowed of [net, elsewhere, read, temporary]) {
    assert.notEqual(allowed, "NotCapable");
  }
  assert.equal(rest.run, "NotCapable");
  assert.equal(rest.library, "NotCapable");
});

const QUERIES = `
const descriptors = JSON.parse(Deno.args[0]);
const states = [];
for (const descriptor of descriptors) {
  states.push((await Deno.permissions.query(descriptor)).state);
}
console.log(JSON.stringify(states));
`;

const NEEDED: { set: string; allowed: Deno.PermissionDescriptor[] }[] = [
  {
    set: "run",
    allowed: [
      { name: "net" },
      { name: "read", path: "/run/containerd/containerd.sock" },
      { name: "write", path: "/run/containerd/containerd.sock" },
      {
        name: "read",
        path: "/var/lib/containerd/io.containerd.content.v1.content/blobs",
      },
      { name: "read", path: "/etc/containerd/certs.d/_default/hosts.toml" },
      { name: "read", path: "/etc/containerd/config.toml" },
      { name: "sys", kind: "networkInterfaces" },
      { name: "write", path: "/var/lib/peili/identity.pem" },
      { name: "read", path: "/var/lib/peili/images/index.json" },
      { name: "read", path: "/etc/peili/secret" },
      { name: "env", variable: "PEILI_MIRROR_ADDR" },
      { name: "env", variable: "NO_PROXY" },
    ],
  },
  {
    set: "doctor",
    allowed: [
      { name: "net" },
      { name: "read" },
      { name: "sys", kind: "networkInterfaces" },
      { name: "write", path: "/run/containerd/containerd.sock" },
      { name: "env", variable: "PEILI_STATIC_PEERS" },
    ],
  },
  {
    set: "pull",
    allowed: [
      { name: "env", variable: "DOCKER_CONFIG" },
      { name: "env", variable: "HOME" },
      { name: "env", variable: "PEILI_MIRROR" },
    ],
  },
  {
    set: "configure",
    allowed: [
      { name: "read", path: "/etc/containerd/certs.d/_default/hosts.toml" },
      { name: "write", path: "/etc/containerd/certs.d/_default/hosts.toml" },
      { name: "env", variable: "PEILI_MIRROR_TARGETS" },
    ],
  },
  {
    set: "wait",
    allowed: [
      { name: "net" },
      {
        name: "read",
        path: "/var/run/secrets/kubernetes.io/serviceaccount/token",
      },
      { name: "env", variable: "KUBERNETES_SERVICE_HOST" },
    ],
  },
  {
    set: "zone",
    allowed: [
      { name: "net" },
      {
        name: "read",
        path: "/var/run/secrets/kubernetes.io/serviceaccount/token",
      },
      { name: "write", path: "/var/lib/peili/zone" },
      { name: "env", variable: "KUBERNETES_SERVICE_HOST" },
    ],
  },
  {
    set: "image",
    allowed: [
      { name: "net" },
      { name: "write", path: "/run/containerd/containerd.sock" },
      { name: "write", path: "/etc/containerd/certs.d/_default/hosts.toml" },
      { name: "read", path: "/var/lib/peili/images/index.json" },
      { name: "read", path: "/etc/peili/secret" },
      { name: "env", variable: "PEILI_MIRROR_TARGETS" },
    ],
  },
  {
    set: "configure-containerd",
    allowed: [
      { name: "read", path: "/etc/containerd/config.toml" },
      { name: "write", path: "/etc/containerd/config.toml" },
      { name: "write", path: "/etc/containerd/conf.d/99-peili.toml" },
      { name: "write", path: "/etc/containerd/certs.d/_default/hosts.toml" },
    ],
  },
];

Deno.test.each(NEEDED)("the set $set allows its defaults", async (row) => {
  const { stdout, stderr } = await program([JSON.stringify(row.allowed)], {
    permissions: [`-P=${row.set}`],
    script: QUERIES,
  });
  assert.notEqual(stdout, "", stderr);
  assert.deepEqual(JSON.parse(stdout), row.allowed.map(() => "granted"));
});

/** The program as it is here, and as an image runs it; disposing of it removes it. */
const PROGRAMS: {
  name: string;
  make: () => Promise<{ readonly bundle: string } & AsyncDisposable>;
}[] = [
  {
    name: "peili",
    make: () =>
      Promise.resolve({
        bundle: "main.ts",
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
  { name: "the bundled peili", make: bundled },
];

const ADDRESSES = ["--mirror-addr", "--peer-addr", "--metrics-addr"]
  .map((flag) => `${flag}=127.0.0.1:0`);

Deno.test.each(PROGRAMS)(
  "$name run works with the set run alone",
  async ({ make }) => {
    await using made = await make();
    await using node = startProgram(["run", ...ADDRESSES], {
      permissions: ["-P=run"],
      file: made.bundle,
    });
    const running = await node.line("running");
    for (const name of ["mirror", "metrics"]) {
      const answer = await fetch(`http://${running[name]}/livez`);
      assert.deepEqual([answer.status, await answer.text()], [200, "ok\n"]);
    }
    const metrics = await fetch(`http://${running.metrics}/metrics`);
    assert.match(await metrics.text(), /^peili_resident_memory_bytes [1-9]/m);
    const who = await fetch(`http://${running.peer}/peili/v1/peer`);
    assert.equal(typeof (await who.json()).id, "string");

    // What a client does wrong is no reason to write anything but log lines.
    await rawRequest(
      String(running.mirror),
      "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
    );
    node.stop();
    const { code, stderr } = await node.ended;
    assert.equal(code, 0);
    for (const line of stderr.trimEnd().split("\n")) JSON.parse(line);
  },
);

/** Runs a node over a layout that has one blob, and asks for it. */
async function serveLayout(
  file: string,
  permissions: readonly string[],
): Promise<void> {
  await using folder = await layoutFolder();
  await folder.put(LAYER.bytes);
  await folder.refer(LAYER);
  await using node = startProgram(
    ["run", `--store=layout:${folder.path}`, ...ADDRESSES],
    { file, permissions: [...permissions, `--allow-read=${folder.path}`] },
  );
  const { peer } = await node.line("running");
  const blob = await fetch(`http://${peer}/v2/a/blobs/${LAYER.digest}`);
  assert.deepEqual(await blob.bytes(), LAYER.bytes);
  node.stop();
  const { code, stderr } = await node.ended;
  assert.equal(code, 0);
  for (const line of stderr.trimEnd().split("\n")) {
    const { level, hint } = JSON.parse(line);
    assert.ok(level === "info" || hint.startsWith("--"), line);
  }
}

Deno.test.each(PROGRAMS)(
  "$name run serves a layout with the set run and reading its folder",
  async ({ make }) => {
    await using made = await make();
    await serveLayout(made.bundle, ["-P=run"]);
  },
);

Deno.test.each(PROGRAMS)(
  "$name run serves a layout without writing anything, and without gRPC",
  async ({ make }) => {
    await using made = await make();
    const file = made.bundle;
    // gRPC reads variables when it is loaded, which nothing allows here.
    const permissions = ["--allow-net", "--allow-env=PEILI_*"];
    await serveLayout(file, permissions);
    const { code, stderr } = await program(["run", ...ADDRESSES], {
      permissions,
      file,
    });
    assert.equal(code, 1);
    assert.match(stderr, /Requires env access/);
  },
);

Deno.test.each(PROGRAMS)(
  "$name configure is refused another folder by its set",
  async ({ make }) => {
    await using made = await make();
    const path = await Deno.makeTempDir();
    try {
      const { code, stderr } = await program([
        "configure",
        "--mirror-targets=http://10.0.0.1:30020",
        `--containerd-registry-config-path=${path}/certs.d`,
      ], { permissions: ["-P=configure"], file: made.bundle });
      assert.equal(code, 1);
      assert.match(JSON.parse(stderr).error, /Requires (read|write) access/);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(path)), []);
    } finally {
      await Deno.remove(path);
    }
  },
);

Deno.test.each(PROGRAMS)(
  "$name run --bootstrap-kind static works with the set run alone, on every address",
  async ({ make }) => {
    await using made = await make();
    const port = freePort();
    await using node = startProgram([
      "run",
      ...ADDRESSES,
      `--router-addr=:${port}`,
      "--bootstrap-kind=static",
      `--static-bootstrap-peers=/ip4/127.0.0.1/tcp/${port}`,
      "--data-dir=/var/lib/peili/none-of-a-test/x",
    ], { permissions: ["-P=run", "--deny-write"], file: made.bundle });
    await node.line("running");
    await node.line("this node is alone");
    node.stop();
    assert.equal((await node.ended).code, 0);
  },
);

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
