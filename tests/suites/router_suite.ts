/**
 * What every router must find, whoever runs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Peer, Readiness, Router } from "../../src/routing/router.ts";
import { eventually } from "./eventually.ts";

/** A router, here or in another process. */
export interface TestedRouter extends Pick<Router, "lookup"> {
  ready(): Readiness | Promise<Readiness>;
  self(): Peer | null | Promise<Peer | null>;
  nearest(
    key: string,
    count: number,
  ): readonly Peer[] | Promise<readonly Peer[]>;
  forget(key: string, peer: Peer): void | Promise<void>;
}

/** One node of a cluster. */
export interface ClusterNode {
  /** What is tested. */
  readonly router: TestedRouter;
  /** This node, as the others see it. */
  readonly self: Peer;
  /** Has an image from now on, under a digest and a tag; returns both keys. */
  hold(image: string): Promise<readonly string[]>;
  /** Has it no more. */
  drop(image: string): Promise<void>;
  /** Goes away without a word. */
  die(): Promise<void>;
}

/** Nodes that know each other, until it is disposed of. */
export interface Cluster extends AsyncDisposable {
  /** All of them, ready. */
  readonly nodes: readonly ClusterNode[];
}

/** Makes a cluster; it resolves when all nodes know all others. */
export type MakeCluster = (size: number) => Promise<Cluster>;

/**
 * Where the nodes of a cluster are: every other one together.
 *
 * @param index Of the node, from 0
 * @returns Its zone
 */
export function zoneOf(index: number): string {
  return index % 2 === 0 ? "even" : "odd";
}

type Nodes = readonly [ClusterNode, ClusterNode, ...ClusterNode[]];

const UNKNOWN = ["sha256:" + "0".repeat(64), "nobody.example/has/this:v1"];

const CASES: Readonly<Record<string, (nodes: Nodes) => Promise<void>>> = {
  async "is ready when its cluster is"(nodes) {
    for (const { router } of nodes) {
      assert.deepEqual(await router.ready(), { ready: true });
    }
  },

  async "finds nobody for an unknown key, and ends"([node]) {
    for (const key of UNKNOWN) assert.deepEqual(await found(node, key), []);
  },

  async "finds the holder from every other node"([holder, ...others]) {
    for (const key of await holder.hold("one")) {
      for (const node of others) {
        assert.deepEqual(await found(node, key), [holder.self.address]);
      }
    }
  },

  async "finds all holders"([asker, ...holders]) {
    const keys = await Promise.all(holders.map((node) => node.hold("all")));
    for (const key of keys[0] ?? []) {
      assert.deepEqual(
        await found(asker, key),
        holders.map(({ self }) => self.address).toSorted(),
      );
    }
  },

  async "never finds its own node"([holder, other]) {
    const keys = await holder.hold("own");
    for (const key of keys) assert.deepEqual(await found(holder, key), []);
    await other.hold("own");
    for (const key of keys) {
      assert.deepEqual(await found(holder, key), [other.self.address]);
    }
  },

  async "tells holders by the id and address that nearest() tells"(nodes) {
    const [asker, holder] = nodes;
    const [key = ""] = await holder.hold("who");
    const peers = await asker.router.nearest(key, nodes.length);
    for await (const peer of asker.router.lookup(key, patient())) {
      assert.ok(
        peers.some(({ id, address }) =>
          id === peer.id && address === peer.address
        ),
      );
      assert.equal(peer.id, holder.self.id);
    }
  },

  async "finds holders of its own zone first"(nodes) {
    const [asker, ...holders] = nodes;
    const keys = await Promise.all(holders.map((node) => node.hold("zones")));
    for (const key of keys[0] ?? []) {
      const zones = (await Array.fromAsync(asker.router.lookup(key, patient())))
        .map(({ zone }) => zone);
      assert.deepEqual(zones, ["even", "odd"]);
    }
    assert.equal((await asker.router.self())?.zone, "even");
  },

  async "finds for many at once, and goes on when one of them leaves"(
    [holder, asker],
  ) {
    const [key = ""] = await holder.hold("shared");
    const leaving = new AbortController();
    const early = Array.fromAsync(
      asker.router.lookup(key, { signal: leaving.signal }),
    );
    const others = Array.from({ length: 8 }, () => found(asker, key));
    leaving.abort();
    await early;
    for (const addresses of await Promise.all(others)) {
      assert.deepEqual(addresses, [holder.self.address]);
    }
  },

  async "remembers no empty answer"([holder, asker, other]) {
    const keys = await holder.hold("late");
    await holder.drop("late");
    for (const key of keys) assert.deepEqual(await found(asker, key), []);
    await other?.hold("late");
    for (const key of keys) {
      assert.deepEqual(await found(asker, key), [other?.self.address]);
    }
  },

  async "finds whom it was told to forget once he tells of it anew"(
    [holder, asker],
  ) {
    const [key = ""] = await holder.hold("lost");
    await holder.drop("lost");
    await asker.router.forget(key, holder.self);
    assert.deepEqual(await found(asker, key), []);
    await holder.hold("lost");
    assert.deepEqual(await found(asker, key), [holder.self.address]);
  },

  async "finds what is gone no more"([holder, asker]) {
    const keys = await holder.hold("gone");
    await holder.drop("gone");
    for (const key of keys) assert.deepEqual(await found(asker, key), []);
  },

  async "finds the living beside the dead, and then leaves the dead out"(
    [asker, dead, ...others],
  ) {
    const [alive] = others;
    assert.ok(alive);
    const [key = ""] = await dead.hold("both");
    await alive.hold("both");
    await dead.die();
    assert.ok((await found(asker, key)).includes(alive.self.address));
    await eventually(
      "the dead one is near nothing",
      async () =>
        (await asker.router.nearest(key, 9))
          .every(({ address }) => address !== dead.self.address),
    );
    assert.deepEqual(await found(asker, key), [alive.self.address]);
  },

  async "agrees on who is nearest, on all nodes"(nodes) {
    for (const key of manyKeys()) {
      const answers = await Promise.all(
        nodes.map((node) => nearest(node, key, nodes.length)),
      );
      for (const answer of answers) assert.deepEqual(answer, answers[0]);
    }
  },

  async "has each node, itself included, nearest to something"(nodes) {
    const all = nodes.map(({ self }) => self.address).toSorted();
    for (const node of nodes) {
      const firsts = await Promise.all(
        manyKeys().map((key) => nearest(node, key, 1)),
      );
      assert.deepEqual([...new Set(firsts.flat())].toSorted(), all);
      const each = await nearest(node, "any", 99);
      assert.deepEqual(each.toSorted(), all);
    }
  },

  async "gives as many nearest as asked, the same first ones"([node]) {
    const all = await nearest(node, "key", 99);
    for (let count = 0; count <= all.length; count++) {
      assert.deepEqual(await nearest(node, "key", count), all.slice(0, count));
    }
  },

  async "ends a lookup without an error when its signal aborts"(
    [asker, ...holders],
  ) {
    const keys = await Promise.all(holders.map((node) => node.hold("all")));
    const ended = new AbortController();
    let count = 0;
    const { signal } = ended;
    for await (const _ of asker.router.lookup(keys[0]?.[0] ?? "", { signal })) {
      count++;
      ended.abort();
    }
    assert.equal(count, 1);
  },

  async "finds nobody when the signal has aborted"([asker, holder]) {
    const [key = ""] = await holder.hold("late");
    const signal = AbortSignal.abort();
    for await (const _ of asker.router.lookup(key, { signal })) assert.fail();
  },

  async "frees all when its consumer leaves"([asker, ...holders]) {
    const keys = await Promise.all(holders.map((node) => node.hold("all")));
    const key = keys[0]?.[0] ?? assert.fail();
    for await (const _ of asker.router.lookup(key, patient())) break;
    // None of them was taken for dead because nobody listened.
    assert.equal((await found(asker, key)).length, holders.length);
  },
};

/**
 * Registers the suite.
 *
 * @param name What is tested, `memoryNetwork()`
 * @param make Makes a cluster for each case
 * @param options What is not looked at, for a library that leaves timers behind
 */
export function routerSuite(
  name: string,
  make: MakeCluster,
  options: Omit<Deno.TestDefinition, "fn" | "name"> = {},
): void {
  for (const [sentence, check] of Object.entries(CASES)) {
    Deno.test(`${name} ${sentence}`, options, async () => {
      await using cluster = await make(3);
      const [first, second, ...others] = cluster.nodes;
      assert.ok(first && second);
      await check([first, second, ...others]);
    });
  }
}

/** The addresses that a lookup finds, in order of the alphabet. */
async function found({ router }: ClusterNode, key: string): Promise<string[]> {
  const addresses: string[] = [];
  for await (const { address } of router.lookup(key, patient())) {
    addresses.push(address);
  }
  return addresses.toSorted();
}

/** The addresses of the nearest, in their order. */
async function nearest(
  { router }: ClusterNode,
  key: string,
  count: number,
): Promise<string[]> {
  const peers = await router.nearest(key, count);
  return peers.map(({ address }) => address);
}

function patient(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

function manyKeys(): string[] {
  return Array.from({ length: 60 }, (_, index) => `key ${index}`);
}
