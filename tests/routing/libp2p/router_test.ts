/**
 * What a router over libp2p does beside what every router does.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SelfDialError } from "../../../src/routing/libp2p/host.ts";
import type { Libp2pRouter } from "../../../src/routing/libp2p/router.ts";
import { eventually } from "../../suites/eventually.ts";
import { recordedLog } from "../../suites/recorded_log.ts";
import {
  knowEachOther,
  LIBP2P,
  multiaddrOf,
  startRouter,
} from "./libp2p_cluster.ts";

async function found(router: Libp2pRouter, key: string): Promise<string[]> {
  const { signal } = new AbortController();
  const peers = await Array.fromAsync(router.lookup(key, { signal }));
  return peers.map(({ id }) => id).toSorted();
}

Deno.test(
  "startLibp2p() is ready when bootstrap names only itself, and learns its address from that",
  LIBP2P,
  async () => {
    const own: string[] = [];
    await using router = await startRouter({ names: () => own, peerPort: 7 });
    assert.deepEqual(router.ready(), {
      ready: false,
      reason: "bootstrap (static): bootstrap names no node, not even this one",
    });
    assert.deepEqual(router.nearest("key", 3), [], "it does not elect itself");
    own.push(multiaddrOf(router));
    await eventually("it is ready", () => router.ready().ready);
    assert.equal(router.self()?.address, "127.0.0.1:7");
    assert.deepEqual(router.nearest("key", 3).map(({ id }) => id), [router.id]);
    await router.advertise(["key"]); // Nobody is there to be told.
    assert.deepEqual(await found(router, "key"), []);
  },
);

Deno.test(
  "startLibp2p() says why it is not ready when bootstrap fails",
  LIBP2P,
  async () => {
    const log = recordedLog();
    await using router = await startRouter({
      bootstrap: {
        kind: "dns",
        find: () => Promise.reject(new Error("no such name")),
      },
      log: log.log,
    });
    await eventually("it has asked", () => log.lines.length > 0);
    assert.deepEqual(router.ready(), {
      ready: false,
      reason: "bootstrap (dns): bootstrap does not answer: no such name",
    });
  },
);

Deno.test(
  "startLibp2p() tells nobody of a node before its peer listener is there",
  LIBP2P,
  async () => {
    await using one = await startRouter({ peerPort: 7 });
    const names = () => [multiaddrOf(one)];
    await using two = await startRouter({ names });
    await eventually("they are connected", () => two.ready().ready);
    assert.equal(two.self(), null);
    two.announce({ host: "127.0.0.1", port: 8 });
    await knowEachOther([one, two]);
    assert.equal(two.self()?.address, "127.0.0.1:8");
  },
);

Deno.test("startLibp2p() finds each other over IPv6", LIBP2P, async () => {
  const listen = { host: "::1", port: 0 };
  await using one = await startRouter({ listen, peerPort: 7 });
  const names = () => [`/ip6/::1/tcp/${one.port}`];
  await using two = await startRouter({ listen, names, peerPort: 8 });
  await knowEachOther([one, two]);
  await one.advertise(["key"]);
  assert.deepEqual(await found(two, "key"), [one.id]);
  assert.equal(
    two.nearest("key", 9).find(({ id }) => id === one.id)?.address,
    "[::1]:7",
  );
});

Deno.test(
  "startLibp2p() knows members that it is not connected to, and all agree on who is nearest",
  LIBP2P,
  async () => {
    await using stack = new AsyncDisposableStack();
    const routers: Libp2pRouter[] = [];
    for (let index = 0; index < 6; index++) {
      const names = () => routers.slice(0, 1).map(multiaddrOf);
      routers.push(
        stack.use(await startRouter({ names, peerPort: 100 + index })),
      );
    }
    await knowEachOther(routers);
    for (const key of ["a", "b", "c", "d"]) {
      const [first, ...others] = routers.map((router) =>
        router.nearest(key, 3).map(({ id }) => id)
      );
      for (const other of others) assert.deepEqual(other, first);
    }
  },
);

Deno.test(
  "startLibp2p() tells who comes later what others have",
  LIBP2P,
  async () => {
    const routers: Libp2pRouter[] = [];
    const names = () => routers.map(multiaddrOf);
    await using one = await startRouter({ names, peerPort: 7 });
    routers.push(one);
    await one.advertise(["key"]);
    await using two = await startRouter({ names, peerPort: 8 });
    await using three = await startRouter({ names, peerPort: 9 });
    for (const late of [two, three]) {
      await eventually(
        "it is found",
        async () => (await found(late, "key")).length === 1,
      );
    }
  },
);

Deno.test(
  "startLibp2p() asks others for what it is not told, with few replicas",
  LIBP2P,
  async () => {
    await using stack = new AsyncDisposableStack();
    const routers: Libp2pRouter[] = [];
    for (let index = 0; index < 6; index++) {
      const names = () => routers.map(multiaddrOf);
      routers.push(
        stack.use(
          await startRouter({ names, peerPort: 100 + index, replicas: 2 }),
        ),
      );
    }
    await knowEachOther(routers);
    const [holder, other, ...others] = routers;
    assert.ok(holder && other);
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
    await holder.advertise(keys);
    for (const router of others) {
      for (const key of keys) {
        assert.deepEqual(await found(router, key), [holder.id], key);
      }
    }
    await holder.withdraw(keys);
    for (const key of keys) {
      assert.deepEqual(
        await found(other, key),
        [],
      );
    }
  },
);

Deno.test(
  "startLibp2p() goes on without a peer that leaves, and takes it back",
  LIBP2P,
  async () => {
    const routers: Libp2pRouter[] = [];
    const names = () => routers.map(multiaddrOf);
    await using one = await startRouter({ names, peerPort: 7 });
    routers.push(one);
    const log = recordedLog();
    await using two = await startRouter({ names, peerPort: 8, log: log.log });
    await knowEachOther([one, two]);
    {
      await using three = await startRouter({ names, peerPort: 9 });
      await knowEachOther([one, two, three]);
      await three.advertise(["key"]);
      assert.deepEqual(await found(two, "key"), [three.id]);
    }
    await knowEachOther([one, two]);
    assert.deepEqual(await found(two, "key"), []);
    assert.ok(log.lines.some(({ message }) => message === "peer is away"));
    await using again = await startRouter({ names, peerPort: 9 });
    await knowEachOther([one, two, again]);
  },
);

Deno.test(
  "startLibp2p() says which address it cannot have",
  LIBP2P,
  async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    await assert.rejects(
      startRouter({ listen: { host: "127.0.0.1", port } }),
      { message: `Cannot listen on 127.0.0.1:${port} (--router-addr)` },
    );
  },
);

Deno.test("SelfDialError is told apart by its name", () => {
  assert.equal(new SelfDialError("x").name, "SelfDialError");
});
