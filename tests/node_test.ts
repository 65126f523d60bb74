/**
 * A whole node whose containerd is away: it lives, says what is wrong, serves
 * nothing wrong, and leaves nothing behind.
 *
 * @module
 */

import assert from "node:assert/strict";
import { METRICS } from "../src/metrics/names.ts";
import { type Node, type NodeOptions, startNode } from "../src/node.ts";
import { temporaryFolder } from "./hosts/temporary_folder.ts";
import { program } from "./program.ts";
import { type RecordedLog, recordedLog } from "./recorded.ts";
import { ABSENT } from "./registry/contents.ts";
import { eventually } from "./suites/eventually.ts";

const ANY_PORT = { hostname: "127.0.0.1", port: 0 };

const OPTIONS: NodeOptions = {
  containerdSock: "/nonexistent/containerd.sock",
  containerdNamespace: "k8s.io",
  containerdRegistryConfigPath: "/nowhere/certs.d",
  upstream: new Map(),
  fanOut: 2,
  containerdContentPath: "/nonexistent/content",
  mirrorAddr: ANY_PORT,
  peerAddr: ANY_PORT,
  metricsAddr: ANY_PORT,
  bootstrapKind: "",
  staticPeers: [],
  dnsBootstrapDomain: "",
  httpBootstrapAddr: "",
  httpBootstrapPeer: "",
  staticBootstrapPeers: [],
  routerAddr: ANY_PORT,
  dataDir: "/dev/null/none",
  peerIp: "",
  zone: "",
  network: "peili",
  secretFile: "",
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
};

function start(
  options: Partial<NodeOptions> = {},
  log: RecordedLog = recordedLog(),
): Promise<Node> {
  return startNode({ ...OPTIONS, ...options }, log);
}

/**
 * grpc-js keeps the timer of its next try, at most 2 s, after its channel was
 * closed. It keeps no process alive, which the last test looks at.
 */
const GRPC = { sanitizeOps: false, sanitizeResources: false };

async function get(address: string, path: string) {
  const answer = await fetch(`http://${address}${path}`);
  return { status: answer.status, text: await answer.text() };
}

Deno.test(
  "startNode() lives and is not ready without containerd",
  GRPC,
  async () => {
    await using node = await start();
    for (const address of [node.mirrorAddress, node.metricsAddress]) {
      assert.deepEqual(await get(address, "/livez"), {
        status: 200,
        text: "ok\n",
      });
      const { status, text } = await get(address, "/readyz");
      assert.equal(status, 503);
      assert.equal(text, "this node's content is not listed yet\n");
    }
    assert.ok(!node.ready().ready);
  },
);

Deno.test("startNode() says once that containerd is away", GRPC, async () => {
  const log = recordedLog();
  await using _node = await start({}, log);
  const line = await log.line("containerd is away; waiting for it");
  assert.equal(line.level, "warn");
});

Deno.test("startNode() answers 404 for what it has not", GRPC, async () => {
  await using node = await start();
  const blob = `/v2/library/app/blobs/${ABSENT}?ns=docker.io`;
  const says = (message: string, detail: string) => ({
    status: 404,
    text:
      `{"errors":[{"code":"BLOB_UNKNOWN",${detail}"message":"${message}"}]}`,
  });
  assert.deepEqual(
    await get(node.mirrorAddress, blob),
    says(`could not find peer for ${ABSENT}`, '"detail":{"attempts":0},'),
  );
  assert.deepEqual(
    await get(node.peerAddress, blob),
    says(`could not get blob ${ABSENT}`, ""),
  );
  const tag = "/v2/library/app/manifests/v1?ns=docker.io";
  assert.equal((await get(node.mirrorAddress, tag)).status, 404);
});

Deno.test(
  "startNode() keeps what is for people off the peer listener",
  GRPC,
  async () => {
    await using node = await start();
    for (const path of ["/metrics", "/livez", "/readyz"]) {
      assert.equal((await get(node.peerAddress, path)).status, 404);
    }
    assert.equal((await get(node.mirrorAddress, "/metrics")).status, 404);
    assert.equal((await get(node.mirrorAddress, "/peili/v1/peer")).status, 404);
    assert.equal((await get(node.metricsAddress, "/v2/")).status, 404);
  },
);

Deno.test("startNode() shows every metric of the table", GRPC, async () => {
  await using node = await start();
  const { status, text } = await get(node.metricsAddress, "/metrics");
  assert.equal(status, 200);
  for (const [name, { kind }] of Object.entries(METRICS)) {
    assert.match(text, new RegExp(`^# HELP ${name} [A-Z].*\\.$`, "m"));
    assert.match(text, new RegExp(`^# TYPE ${name} ${kind}$`, "m"));
  }
});

Deno.test("startNode() counts what its listeners answer", GRPC, async () => {
  await using node = await start();
  await get(node.mirrorAddress, `/v2/library/app/blobs/${ABSENT}`);
  const { text } = await get(node.metricsAddress, "/metrics");
  assert.match(
    text,
    /^peili_requests_total{listener="mirror",handler="mirror",source="none",status="4xx"} 1$/m,
  );
});

Deno.test(
  "startNode() works alone when it is told of nobody, and says so once",
  GRPC,
  async () => {
    const log = recordedLog();
    await using node = await start({}, log);
    const line = await log.line(
      "no other node is named: this one works alone",
    );
    assert.equal(line.level, "warn");
    assert.equal(
      line.hint,
      "--static-peers, --dns-bootstrap-domain, --http-bootstrap-peer, --static-bootstrap-peers",
    );
    const blob = `/v2/library/app/blobs/${ABSENT}`;
    assert.equal((await get(node.mirrorAddress, blob)).status, 404);
    const said = log.lines.filter(({ msg }) => msg === line.msg);
    assert.equal(said.length, 1);
  },
);

Deno.test(
  "startNode() finds the other nodes of its list, not itself",
  GRPC,
  async () => {
    const log = recordedLog();
    await using other = await start();
    await using _node = await start({ staticPeers: [other.peerAddress] }, log);
    const { peer } = await log.line("peer is there");
    assert.equal(peer, other.peerAddress);
  },
);

/** Starts nodes that know each other's addresses, with what each is told. */
async function startTogether(
  parts: AsyncDisposableStack,
  told: readonly Partial<NodeOptions>[],
) {
  const ports = told.map(() => Deno.listen(ANY_PORT));
  const addrs = ports.map(({ addr: { hostname, port } }) => ({
    hostname,
    port,
  }));
  ports.forEach((port) => port.close());
  const staticPeers = addrs.map(({ hostname, port }) => `${hostname}:${port}`);
  return await Promise.all(told.map(async (options, index) => {
    const log = recordedLog();
    const peerAddr = addrs[index] ?? ANY_PORT;
    const all = { ...options, peerAddr, staticPeers };
    return { log, node: parts.use(await start(all, log)) };
  }));
}

Deno.test(
  "startNode() finds those with its secret and network, and says who is none",
  GRPC,
  async () => {
    const files = { ours: "our common secret", theirs: "somebody's secret" };
    await using folder = await temporaryFolder(files);
    const ours = { secretFile: `${folder.path}/ours` };
    await using parts = new AsyncDisposableStack();
    const [one, two, other, elsewhere] = await startTogether(parts, [
      ours,
      ours,
      { secretFile: `${folder.path}/theirs` },
      { ...ours, network: "elsewhere" },
    ]);
    assert.ok(one && two && other && elsewhere);
    const found = ({ log }: typeof one) =>
      log.lines.filter(({ msg }) => msg === "peer is there")
        .map(({ peer }) => peer).toSorted();
    const both = [one.node.peerAddress, two.node.peerAddress].toSorted();
    await eventually(
      "they are found",
      () => [one, two].every((node) => found(node).length >= 2),
    );
    for (const { log } of [one, other, elsewhere]) {
      await log.line("stranger refused");
      await log.line("peer refuses this node");
    }
    assert.deepEqual(found(one), both);
    assert.deepEqual(found(two), both);
    assert.deepEqual(found(other), [other.node.peerAddress]);
    assert.deepEqual(found(elsewhere), [elsewhere.node.peerAddress]);
    const { status } = await get(one.node.peerAddress, "/v2/");
    assert.equal(status, 401);
    // What is not for peers needs no proof.
    assert.equal((await get(one.node.mirrorAddress, "/v2/")).status, 200);
  },
);

Deno.test(
  "startNode() keeps deployments apart by their names alone",
  GRPC,
  async () => {
    await using parts = new AsyncDisposableStack();
    const [one, other] = await startTogether(parts, [
      {},
      { network: "other" },
    ]);
    assert.ok(one && other);
    const refused = await one.log.line("stranger refused");
    assert.equal(refused.reason, "another network");
    await one.log.line("peer refuses this node");
    const found = one.log.lines.filter(({ msg }) => msg === "peer is there");
    assert.deepEqual(found.map(({ peer }) => peer), [one.node.peerAddress]);
    const said = one.log.lines.filter(({ hint }) => hint === "--secret-file");
    assert.equal(said.length, 1);
  },
);

Deno.test(
  "startNode() does not start open when its secret cannot be had",
  GRPC,
  async () => {
    await using folder = await temporaryFolder({ secret: "\n" });
    for (const name of ["absent", "secret"]) {
      const secretFile = `${folder.path}/${name}`;
      await assert.rejects(start({ secretFile }), {
        message: `Cannot use ${secretFile} (--secret-file)`,
      });
    }
  },
);

Deno.test("startNode() says when its secret can be guessed", GRPC, async () => {
  await using folder = await temporaryFolder({ secret: "hunter2" });
  const log = recordedLog();
  await using _node = await start({ secretFile: `${folder.path}/secret` }, log);
  await log.line("the secret can be guessed");
  assert.doesNotMatch(JSON.stringify(log.lines), /hunter2/);
});

Deno.test.each(
  ["mirror", "peer", "metrics"] as const,
)("startNode() says that --%s-addr named a taken port", GRPC, async (name) => {
  using taken = Deno.listen(ANY_PORT);
  const { port } = taken.addr;
  await assert.rejects(
    start({ [`${name}Addr`]: { hostname: "127.0.0.1", port } }),
    { message: `Cannot listen on 127.0.0.1:${port} (--${name}-addr)` },
  );
});

/** Tells whether a node's ports can be had once it is gone. */
async function freesItsPorts(): Promise<boolean> {
  const node = await start();
  const { mirrorAddress, peerAddress, metricsAddress } = node;
  await node[Symbol.asyncDispose]();
  try {
    for (const address of [mirrorAddress, peerAddress, metricsAddress]) {
      const port = Number(new URL(`http://${address}`).port);
      Deno.listen({ hostname: "127.0.0.1", port }).close();
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

Deno.test(
  "startNode() frees its ports when it is disposed of",
  GRPC,
  async () => {
    // Once, a test beside this one may have been given such a port since.
    assert.ok(await freesItsPorts() || await freesItsPorts());
  },
);

const FOUND: Partial<NodeOptions> = {
  bootstrapKind: "http",
  httpBootstrapAddr: ANY_PORT,
};

Deno.test(
  "startNode() finds another node by what that says at /id",
  GRPC,
  async () => {
    const [log, otherLog] = [recordedLog(), recordedLog()];
    const port = freePort();
    const peer = `http://127.0.0.1:${port}`;
    await using one = await start({
      ...FOUND,
      httpBootstrapAddr: { hostname: "127.0.0.1", port },
      httpBootstrapPeer: peer,
      zone: "a",
    }, log);
    await log.line("this node is alone");
    const id = await (await fetch(`${peer}/id`)).json();
    assert.match(id.ID, /^12D3Koo/);
    await using two = await start(
      { ...FOUND, httpBootstrapPeer: peer, zone: "b" },
      otherLog,
    );
    const seen = await otherLog.line("peer is there");
    assert.deepEqual(
      [seen.peer, seen.id, seen.zone],
      [one.peerAddress, id.ID, "a"],
    );
    assert.equal((await log.line("peer is there")).peer, two.peerAddress);
  },
);

Deno.test(
  "startNode() says which option its kind of bootstrap lacks",
  GRPC,
  async () => {
    await assert.rejects(start({ bootstrapKind: "dns" }), {
      message:
        "Cannot use --bootstrap-kind dns: --dns-bootstrap-domain is missing",
    });
  },
);

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen(ANY_PORT);
  return listener.addr.port;
}

const START_AND_STOP = `
const { NO_LOG, startNode } = await import("./mod.ts");
const node = await startNode(JSON.parse(Deno.args[0]), NO_LOG);
await (await fetch("http://" + node.mirrorAddress + "/livez")).text();
await node[Symbol.asyncDispose]();
console.log("disposed");
`;

Deno.test.each<{ name: string; options: Partial<NodeOptions> }>([
  { name: "with a list of peers", options: {} },
  {
    name: "over libp2p",
    options: {
      bootstrapKind: "static",
      staticBootstrapPeers: ["/ip4/127.0.0.1/tcp/9"],
    },
  },
])(
  "startNode() $name leaves nothing behind that keeps a process alive",
  GRPC,
  async ({ options }) => {
    const ended = await program([JSON.stringify({ ...OPTIONS, ...options })], {
      permissions: ["--no-check", "-P=test"],
      script: START_AND_STOP,
    });
    // It ended by itself: nothing in the script calls Deno.exit().
    assert.deepEqual(ended, { code: 0, stdout: "disposed\n", stderr: "" });
  },
);
