/**
 * One connection for two members, whoever opened it, and none for strangers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Host, startHost } from "../../../src/routing/libp2p/host.ts";
import {
  type Links,
  type LinksDeps,
  makeLinks,
} from "../../../src/routing/libp2p/links.ts";
import { eventually } from "../../suites/eventually.ts";
import { newIdentity } from "../../../src/routing/libp2p/identity.ts";
import { LIBP2P } from "./libp2p_cluster.ts";

const { signal } = new AbortController();

interface End extends AsyncDisposable {
  readonly host: Host;
  readonly links: Links;
  readonly multiaddr: string;
  readonly lost: string[];
  readonly seen: string[];
}

async function end(deps: Partial<LinksDeps> = {}): Promise<End> {
  const stack = new AsyncDisposableStack();
  const host = stack.use(
    await startHost({
      identity: newIdentity(),
      listen: { host: "127.0.0.1", port: 0 },
      maxConnections: 8,
      swarmKey: null,
    }),
  );
  const lost: string[] = [];
  const seen: string[] = [];
  const links = stack.use(
    await makeLinks({
      host,
      protocols: { members: "/test/members", kad: "/test/kad" },
      filled: () => true,
      all: () => [],
      hash: () => 0,
      self: () => null,
      onTold() {},
      onHello: (_id, host) => seen.push(host),
      onNews() {},
      onLinked() {},
      onLost: (id) => lost.push(id),
      ...deps,
    }),
  );
  return {
    host,
    links,
    lost,
    seen,
    multiaddr: `/ip4/127.0.0.1/tcp/${host.port}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test(
  "makeLinks() links two that meet, and tells each where it is seen",
  LIBP2P,
  async () => {
    await using a = await end();
    await using b = await end();
    const link = await a.links.meet(b.multiaddr, signal);
    assert.equal(link.id, b.host.id);
    await eventually(
      "both are linked",
      () => b.links.get(a.host.id) !== undefined,
    );
    assert.deepEqual([a.seen, b.seen], [["127.0.0.1"], ["127.0.0.1"]]);
    assert.equal(
      await a.links.meet(b.multiaddr, signal),
      link,
      "no second one",
    );
  },
);

Deno.test(
  "makeLinks() keeps one link of two that dial each other at once",
  LIBP2P,
  async () => {
    await using a = await end();
    await using b = await end();
    await Promise.all([
      a.links.meet(b.multiaddr, signal),
      b.links.meet(a.multiaddr, signal),
    ]);
    assert.deepEqual([a.links.size, b.links.size], [1, 1]);
    // The other one is closed after a while, and nobody takes that for a death.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.deepEqual([a.links.size, b.links.size], [1, 1]);
    assert.deepEqual([a.lost, b.lost], [[], []]);
  },
);

Deno.test(
  "makeLinks() tells a connection that broke from one that was ended",
  LIBP2P,
  async () => {
    await using a = await end();
    await using b = await end();
    const first = await a.links.meet(b.multiaddr, signal);
    await eventually("both are linked", () => b.links.size === 1);
    first.close();
    await eventually("both know", () => a.links.size + b.links.size === 0);
    assert.deepEqual([a.lost, b.lost], [[], []]);
    await a.links.meet(b.multiaddr, signal);
    await eventually("both are linked again", () => b.links.size === 1);
    await b.host[Symbol.asyncDispose]();
    await eventually("it is lost", () => a.lost.length === 1);
    assert.deepEqual(a.lost, [b.host.id]);
  },
);

Deno.test("makeLinks() links nobody of another network", LIBP2P, async () => {
  await using a = await end();
  await using b = await end({
    protocols: { members: "/other/members", kad: "/other/kad" },
  });
  await assert.rejects(a.links.meet(b.multiaddr, signal));
  assert.deepEqual([a.links.size, b.links.size], [0, 0]);
});

Deno.test("makeLinks() does not link a node with itself", LIBP2P, async () => {
  await using a = await end();
  await assert.rejects(a.links.meet(a.multiaddr, signal), {
    name: "SelfDialError",
  });
  assert.equal(a.links.size, 0);
});

Deno.test("makeLinks() ends a dial with its signal", LIBP2P, async () => {
  await using a = await end();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `/ip4/127.0.0.1/tcp/${silent.addr.port}`;
  const ended = new AbortController();
  const dialling = a.links.meet(address, ended.signal);
  using _connection = await silent.accept();
  ended.abort();
  await assert.rejects(dialling);
});
