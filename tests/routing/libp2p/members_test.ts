/**
 * All members, by the newest word on each.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import { members } from "../../../src/routing/libp2p/members.ts";
import { kadKey, positionOf } from "../../../src/routing/libp2p/position.ts";

function record(id: string, facts: Partial<MemberRecord> = {}): MemberRecord {
  const address = `${id}:5002`;
  return { id, seq: 1, routers: [`${id}:5001`], address, zone: "", ...facts };
}

function known(self: Partial<MemberRecord> = {}) {
  const news: string[] = [];
  const changes: string[] = [];
  const table = members({
    self: record("self", self),
    positionOf: (id) => positionOf(kadKey(id)),
    onNews: ({ id, seq, down }) =>
      news.push(`${id} ${seq}${down ? " down" : ""}`),
    onChange: ({ record: { id } }, change) => changes.push(`${id} ${change}`),
  });
  return { table, news, changes };
}

Deno.test("members() takes the newest word on each member, and passes it on once", () => {
  const { table, news, changes } = known();
  table.merge([record("a"), record("b", { seq: 5 })], 0);
  table.merge([record("a"), record("b", { seq: 4, zone: "old" })], 0);
  table.merge([record("b", { seq: 6, zone: "new" })], 0);
  assert.equal(table.get("b")?.record.zone, "new");
  assert.equal(table.size, 3);
  assert.deepEqual(news, ["a 1", "b 5", "b 6"]);
  assert.deepEqual(changes, ["a up", "b up", "b changed"]);
});

Deno.test("members() believes a death until the dead one says more", () => {
  const { table, changes } = known();
  table.merge([record("a")], 0);
  table.merge([record("a", { down: true })], 0);
  assert.equal(table.get("a"), undefined);
  assert.equal(table.size, 1);
  table.merge([record("a")], 0); // Old news of somebody who has not heard.
  assert.equal(table.get("a"), undefined);
  table.merge([record("a", { seq: 2 })], 0);
  assert.ok(table.get("a"));
  assert.deepEqual(changes, ["a up", "a down", "a up"]);
});

Deno.test("members() says that this node lives when somebody says that it does not", () => {
  const { table, news } = known({ seq: 10 });
  table.merge([record("self", { seq: 9, down: true })], 0);
  assert.deepEqual(news, []);
  table.merge([record("self", { seq: 10, down: true })], 0);
  assert.deepEqual(news, ["self 11"]);
  assert.equal(table.self().record.seq, 11);
  assert.ok(!table.self().record.down);
});

Deno.test("members() is newer than what this node said before its clock went back", () => {
  const { table } = known({ seq: 10 });
  table.merge([record("self", { seq: 99 })], 0);
  assert.equal(table.self().record.seq, 100);
});

Deno.test("members() takes a new id at an old address for a process that was started anew", () => {
  const { table, changes } = known();
  table.merge([record("old", { address: "host:5002" })], 0);
  table.merge([record("new", { address: "host:5002" })], 0);
  assert.equal(table.get("old"), undefined);
  assert.deepEqual(changes, ["old up", "old down", "new up"]);
});

Deno.test("members() leaves out who does not know its address, itself included", () => {
  const { table, news } = known({ address: "", routers: [] });
  table.merge([record("a", { address: "" })], 0);
  assert.equal(table.size, 1);
  assert.deepEqual(table.all(), []);
  table.change({ address: "self:1" });
  assert.deepEqual(news, ["self 2"]);
  assert.equal(table.all().length, 1);
});

Deno.test("members() has one number for what two nodes both know", () => {
  const [one, two] = [
    known({ id: "one", address: "one:1" }),
    known({ id: "two", address: "two:1" }),
  ];
  one.table.merge([record("a"), record("b")], 0);
  two.table.merge([record("b"), record("a")], 0);
  assert.notEqual(one.table.hash(), two.table.hash());
  one.table.merge(two.table.all(), 0);
  two.table.merge(one.table.all(), 0);
  assert.equal(one.table.hash(), two.table.hash());
  one.table.down("a", 0);
  assert.notEqual(one.table.hash(), two.table.hash());
  two.table.merge(one.table.all(), 0);
  assert.equal(one.table.hash(), two.table.hash());
});

Deno.test("members() gives the nearest of the living, this node included", () => {
  const { table } = known();
  table.merge(Array.from({ length: 50 }, (_, i) => record(`m${i}`)), 0);
  table.down("m7", 0);
  const target = positionOf(kadKey("key"));
  const all = table.closest(target, 99).map(({ record: { id } }) => id);
  assert.equal(all.length, 50);
  assert.ok(all.includes("self") && !all.includes("m7"));
  assert.deepEqual(
    table.closest(target, 3).map(({ record: { id } }) => id),
    all.slice(0, 3),
  );
});

Deno.test("members() forgets the dead after a while, and takes no more than it may", () => {
  const { table } = known();
  table.merge([record("a"), record("b")], 0);
  table.down("a", 1_000);
  table.expire(600_000);
  assert.deepEqual([...table.lost()].map(({ record: { id } }) => id), ["a"]);
  table.expire(602_000);
  assert.deepEqual([...table.lost()], []);
  const flood = Array.from({ length: 5_000 }, (_, i) => record(`x${i}`));
  table.merge(flood, 0);
  assert.equal(table.all().length, 4_097);
  assert.ok(table.get("b"));
});
