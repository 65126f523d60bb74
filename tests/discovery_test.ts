/**
 * The router that the options name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../src/async/background.ts";
import {
  type Discovery,
  type DiscoveryOptions,
  startDiscovery,
} from "../src/discovery.ts";
import { type Deployment, deployment } from "../src/proof/deployment.ts";
import { secretKeys } from "../src/proof/secret.ts";
import { eventually } from "./suites/eventually.ts";
import { recordedLog } from "./suites/recorded_log.ts";
import { LIBP2P } from "./routing/libp2p/libp2p_cluster.ts";

const HERE = { hostname: "127.0.0.1", port: 0 };

async function start(
  options: Partial<DiscoveryOptions>,
  members: Deployment = deployment({ network: "test" }),
): Promise<Discovery> {
  return await startDiscovery({
    bootstrapKind: "static",
    staticPeers: [],
    staticBootstrapPeers: ["/ip4/127.0.0.1/tcp/9"],
    routerAddr: HERE,
    dataDir: "/dev/null/none",
    ...options,
  }, {
    deployment: members,
    fetcher: () => Promise.reject(new Error("nobody is asked over HTTP")),
    log: recordedLog().log,
  });
}

function meets(one: Discovery, other: Discovery): boolean {
  return one.router.nearest("key", 9).some(({ id }) => id === other.id);
}

Deno.test(
  "startDiscovery() takes the kind whose option is given",
  LIBP2P,
  async () => {
    await using http = await start({
      bootstrapKind: "",
      staticBootstrapPeers: [],
      httpBootstrapPeer: "http://127.0.0.1:9",
    });
    assert.notEqual(http.answerId, null);
    await using named = await start({ httpBootstrapPeer: "http://x:1" });
    assert.equal(named.answerId, null, "a kind that is named counts");
  },
);

async function pair(
  ours: Deployment,
  theirs: Deployment,
): Promise<AsyncDisposableStack & { one: Discovery; two: Discovery }> {
  const stack = new AsyncDisposableStack();
  const port = freePort();
  const one = stack.use(
    await start({ routerAddr: { hostname: "127.0.0.1", port } }, ours),
  );
  const named = [`/ip4/127.0.0.1/tcp/${port}`];
  const two = stack.use(await start({ staticBootstrapPeers: named }, theirs));
  one.announce({ hostname: "127.0.0.1", port: 7 });
  two.announce({ hostname: "127.0.0.1", port: 8 });
  return Object.assign(stack, { one, two });
}

function freePort(): number {
  using listener = Deno.listen(HERE);
  return listener.addr.port;
}

Deno.test("startDiscovery() is a list of peers when that is all that is said", async () => {
  const { log, lines } = recordedLog();
  const asked: string[] = [];
  await using listed: Discovery = await startDiscovery(
    { staticPeers: ["10.0.0.1:5002"], zone: "a" },
    {
      deployment: deployment({ network: "test" }),
      fetcher(url) {
        asked.push(url);
        return Promise.resolve(Response.json({ id: listed.id, zone: "a" }));
      },
      log,
    },
  );
  assert.equal(listed.answerId, null);
  await using _running = inBackground((signal) => listed.run(signal));
  await eventually("it knows itself", () => listed.router.self() !== null);
  assert.deepEqual(listed.router.self(), {
    id: listed.id,
    address: "10.0.0.1:5002",
    zone: "a",
  });
  assert.ok(asked.length > 0 && lines.length > 0);
});

Deno.test(
  "startDiscovery() finds nodes of the same network and secret",
  LIBP2P,
  async () => {
    const keys = secretKeys("a long secret that all of them have", "test");
    const ours = deployment({ network: "test", keys });
    await using both = await pair(ours, ours);
    const { one, two } = both;
    await eventually("they meet", () => meets(one, two) && meets(two, one));
  },
);

Deno.test.each([
  { peerIp: "", known: "127.0.0.1:8" },
  // What SNAT does: whoever is asked sees an address that is not the node's.
  { peerIp: "127.0.0.2", known: "127.0.0.2:8" },
])(
  "startDiscovery() is known under what --peer-ip says, else as it is seen: $known",
  LIBP2P,
  async ({ peerIp, known }) => {
    const port = freePort();
    const everywhere = "0.0.0.0";
    await using one = await start({
      routerAddr: { hostname: everywhere, port },
    });
    await using two = await start({
      routerAddr: { hostname: everywhere, port: 0 },
      staticBootstrapPeers: [`/ip4/127.0.0.1/tcp/${port}`],
      peerIp,
    });
    two.announce({ hostname: everywhere, port: 8 });
    const addressOfTwo = () =>
      one.router.nearest("key", 9).find(({ id }) => id === two.id)?.address;
    await eventually("one knows two", () => addressOfTwo() !== undefined);
    assert.equal(addressOfTwo(), known);
  },
);

Deno.test(
  "startDiscovery() says which option its kind lacks, and which address it cannot have",
  LIBP2P,
  async () => {
    await assert.rejects(start({ staticBootstrapPeers: [] }), {
      message:
        "Cannot use --bootstrap-kind static: --static-bootstrap-peers is missing",
    });
    await assert.rejects(
      start({ bootstrapKind: "", dnsBootstrapDomain: "peers.example." }),
      { message: /^Cannot tell how nodes find each other: / },
    );
    using taken = Deno.listen(HERE);
    const { port } = taken.addr;
    await assert.rejects(
      start({ routerAddr: { hostname: "127.0.0.1", port } }),
      {
        message: `Cannot listen on 127.0.0.1:${port} (--router-addr)`,
      },
    );
  },
);
