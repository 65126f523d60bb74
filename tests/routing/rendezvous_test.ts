/**
 * Orders that all nodes agree on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { byRendezvous } from "../../src/routing/rendezvous.ts";

const PEERS = ["a:1", "b:1", "c:1", "d:1", "e:1"];
const KEYS = Array.from({ length: 500 }, (_, index) => `key ${index}`);

const order = (key: string, peers: readonly string[]) =>
  byRendezvous(key, peers, (peer) => peer);

Deno.test("byRendezvous() has the same order for the same peers, however given", () => {
  for (const key of KEYS) {
    assert.deepEqual(order(key, PEERS), order(key, PEERS.toReversed()));
  }
});

Deno.test("byRendezvous() keeps all peers and leaves its argument alone", () => {
  const given = [...PEERS];
  assert.deepEqual(order("key", given).toSorted(), PEERS);
  assert.deepEqual(given, PEERS);
  assert.deepEqual(order("key", []), []);
});

Deno.test("byRendezvous() moves nothing but the share of a peer that goes", () => {
  for (const key of KEYS) {
    for (const gone of PEERS) {
      const left = PEERS.filter((peer) => peer !== gone);
      const expected = order(key, PEERS).filter((peer) => peer !== gone);
      assert.deepEqual(order(key, left), expected);
    }
  }
});

Deno.test("byRendezvous() gives each peer about its share", () => {
  const nearest = KEYS.map((key) => order(key, PEERS)[0]);
  for (const peer of PEERS) {
    const share = nearest.filter((other) => other === peer).length;
    assert.ok(share > 50 && share < 150, `${peer} has ${share} of 500`);
  }
});

Deno.test("byRendezvous() is the order that other versions know", () => {
  // Nodes of two versions must agree while a cluster is updated.
  assert.deepEqual(order("sha256:abc", PEERS), [
    "b:1",
    "a:1",
    "d:1",
    "c:1",
    "e:1",
  ]);
});
