/**
 * Who has what is remembered, forgotten, and bounded.
 *
 * @module
 */

import assert from "node:assert/strict";
import { kadKey } from "../../../src/routing/libp2p/position.ts";
import { records } from "../../../src/routing/libp2p/records.ts";

const A = kadKey("a");
const B = kadKey("b");

Deno.test("records() finds the peers of a key until their records expire", () => {
  const store = records();
  store.put(A, "one", 10);
  store.put(A, "two", 20);
  store.put(B, "three", 20);
  assert.deepEqual(store.get(A, 0).toSorted(), ["one", "two"]);
  assert.deepEqual(store.get(A, 10), ["two"]);
  assert.deepEqual(store.get(A, 20), []);
  assert.deepEqual(store.get(kadKey("c"), 0), []);
});

Deno.test("records() keeps one record of a peer and key, for as long as the last one says", () => {
  const store = records();
  store.put(A, "one", 10);
  store.put(A, "one", 30);
  assert.equal(store.size, 1);
  assert.deepEqual(store.get(A, 29), ["one"]);
});

Deno.test("records() forgets what is removed, and only that", () => {
  const store = records();
  store.put(A, "one", 10);
  store.put(A, "two", 10);
  store.put(B, "one", 10);
  store.remove(A, "one");
  store.remove(A, "one");
  store.remove(B, "nobody");
  assert.deepEqual(store.get(A, 0), ["two"]);
  assert.deepEqual(store.get(B, 0), ["one"]);
  assert.equal(store.size, 2);
});

Deno.test("records() agrees with a map of sets, whatever is done", () => {
  const store = records();
  const model = new Map<string, Set<string>>();
  const any = (count: number) => Math.floor(Math.random() * count);
  for (let i = 0; i < 20_000; i++) {
    const name = `key ${any(400)}`;
    const peer = `peer ${any(12)}`;
    const known = model.get(name) ?? new Set();
    model.set(name, known);
    if (any(3) > 0) {
      store.put(kadKey(name), peer, 100);
      known.add(peer);
    } else {
      store.remove(kadKey(name), peer);
      known.delete(peer);
    }
    if (i % 5_000 === 0) store.sweep(0);
  }
  for (const [name, peers] of model) {
    assert.deepEqual(
      store.get(kadKey(name), 0).toSorted(),
      [...peers].toSorted(),
    );
  }
  const size = model.values().reduce((sum, peers) => sum + peers.size, 0);
  assert.equal(store.size, size);
});

Deno.test("records() takes no more than it may, and goes on with what it has", () => {
  const store = records({ max: 100 });
  for (let i = 0; i < 200; i++) store.put(kadKey(`key ${i}`), "one", 10);
  assert.equal(store.size, 100);
  assert.deepEqual(store.get(kadKey("key 99"), 0), ["one"]);
  assert.deepEqual(store.get(kadKey("key 100"), 0), []);
  store.put(kadKey("key 7"), "one", 50); // One that is known is no more.
  assert.deepEqual(store.get(kadKey("key 7"), 40), ["one"]);
});

Deno.test("records() keeps 64 peers of one key: the latest and those that last", () => {
  const store = records();
  for (let i = 0; i < 200; i++) store.put(A, `peer ${i}`, 100 + i);
  const peers = store.get(A, 0);
  assert.equal(peers.length, 64);
  assert.ok(peers.includes("peer 199"));
  assert.ok(!peers.includes("peer 0"));
});

Deno.test("records() gives room back when it sweeps", () => {
  const store = records({ max: 1_000 });
  for (let i = 0; i < 1_000; i++) store.put(kadKey(`old ${i}`), `p${i}`, 10);
  store.sweep(10);
  assert.equal(store.size, 0);
  for (let i = 0; i < 1_000; i++) store.put(kadKey(`new ${i}`), `q${i}`, 50);
  store.sweep(20);
  assert.equal(store.size, 1_000);
  assert.deepEqual(store.get(kadKey("new 999"), 20), ["q999"]);
  assert.deepEqual(store.get(kadKey("old 1"), 0), []);
});
