/**
 * Whom to ask first.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ranked } from "../../../src/routing/libp2p/ranking.ts";

const one = (name: string, zone: string, rttMs: number | null) => ({
  name,
  zone,
  rttMs,
});
const names = (all: { name: string }[]) => all.map(({ name }) => name);

Deno.test("ranked() puts the own zone first, however far it is", () => {
  const all = [one("near", "b", 1), one("own", "a", 300), one("none", "", 1)];
  assert.equal(names(ranked(all, "a"))[0], "own");
});

Deno.test("ranked() puts who is twice as near first", () => {
  const all = [one("far", "", 90), one("near", "", 1), one("middle", "", 20)];
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(names(ranked(all, "")), ["near", "middle", "far"]);
  }
});

Deno.test("ranked() spreads equals at random: nobody is everybody's first", () => {
  const all = ["a", "b", "c", "d"].map((name, i) =>
    one(name, "", 0.2 + i / 10)
  );
  const first = new Map<string, number>();
  for (let i = 0; i < 2_000; i++) {
    const [name = ""] = names(ranked(all, ""));
    first.set(name, (first.get(name) ?? 0) + 1);
  }
  for (const count of first.values()) assert.ok(count > 300, `${count}`);
  assert.equal(first.size, 4);
});

Deno.test("ranked() takes who is not measured for as far as most", () => {
  const all = [
    one("near", "", 1),
    one("usual", "", 60),
    one("usual too", "", 60),
    one("new", "", null),
  ];
  const order = names(ranked(all, "", () => 0));
  assert.equal(order[0], "near");
  assert.equal(order.length, 4);
  const alone = names(ranked([one("new", "", null)], ""));
  assert.deepEqual(alone, ["new"]);
});
