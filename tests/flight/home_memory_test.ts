/**
 * What a home keeps in mind and for how long, what it learns again, and what
 * only looking does not change.
 *
 * @module
 */

import assert from "node:assert/strict";
import { HOLDER_TTL_MS } from "../../src/flight/home.ts";
import { digestOf } from "../../src/oci/digest.ts";
import {
  conversation,
  LAYER,
  LEAD,
  NONE,
  parentOf,
  STALL_MS,
  threeFly,
} from "./conversation.ts";

Deno.test("handle() learns from reports what it has forgotten", () => {
  const home = conversation({ fanOut: 1 });
  home.progress("c", 7, { parent: "b" });
  assert.equal(parentOf(home.join("d")), "c", "though b was not heard of yet");
  home.progress("b", 8, { parent: "a" });
  home.progress("a", 9);
  const reply = home.join("e");
  assert.equal(parentOf(reply), "d", "the others have no room");
  assert.deepEqual(home.join("a", { offset: 9 }), LEAD);
});

Deno.test("handle() believes its own word on a place more than a report that was on its way", () => {
  const home = conversation({ fanOut: 1 });
  for (const node of ["a", "b", "c"]) home.join(node); // A chain.
  home.progress("c", 5); // Sent before it was told to follow b.
  assert.deepEqual(home.join("b", { failed: ["a"] }), LEAD, "c is below it");
});

Deno.test("handle() learns whom a node really takes from", () => {
  const home = conversation({ fanOut: 1 });
  for (const node of ["a", "b", "c"]) home.join(node); // A chain.
  home.wait(1_000);
  home.progress("a", 9);
  home.progress("b", 9, { parent: "a" });
  home.progress("c", 9, { parent: "a" });
  assert.equal(parentOf(home.join("b", { failed: ["a"] })), "c");
});

Deno.test("handle() tells one that may not lead of holders, or of who has bytes", () => {
  const home = conversation();
  const look = { mayLead: false };
  assert.deepEqual(home.join("x", look), NONE);
  home.join("a");
  assert.deepEqual(home.join("x", look), NONE, "a has no byte yet");
  home.progress("a", 10);
  home.progress("b", 20, { parent: "a" });
  assert.deepEqual(home.join("x", look), { kind: "follow", peers: ["b", "a"] });
  const failed = { ...look, failed: ["b"] };
  assert.deepEqual(home.join("x", failed), { kind: "follow", peers: ["a"] });
  home.have("z");
  assert.deepEqual(home.join("x", look), { kind: "holders", peers: ["z"] });
  const holders = { ...look, holders: ["y", "z"] };
  const reply = home.join("x", holders);
  assert.deepEqual(reply, { kind: "holders", peers: ["z", "y"] });
});

Deno.test("handle() tells another home's asker of holders that it knows itself", () => {
  const home = conversation();
  const peek = { peek: true, holders: ["y"] };
  assert.deepEqual(home.join("x", peek), NONE);
  home.have("z");
  assert.deepEqual(home.join("x", peek), { kind: "holders", peers: ["z"] });
  assert.deepEqual(home.join("x", { ...peek, failed: ["z"] }), NONE);
});

Deno.test("handle() tells another home's asker who leads, and of nobody who follows", () => {
  const home = conversation();
  const peek = { peek: true };
  home.progress("b", 10, { parent: "a" });
  assert.deepEqual(home.join("x", peek), NONE);
  home.progress("a", 0);
  assert.deepEqual(home.join("x", peek), { kind: "follow", peers: ["a"] });
  assert.deepEqual(home.join("x", { ...peek, failed: ["a"] }), NONE);
});

Deno.test("handle() lets one of two follow whom two homes tell to lead at once", () => {
  const homes = [conversation(), conversation()];
  const [first, second] = homes;
  assert.deepEqual(first?.join("a"), LEAD);
  assert.deepEqual(second?.join("b"), LEAD);
  const follow = { kind: "follow", peers: ["a"] };
  assert.deepEqual(first?.join("b", { peek: true }), follow);
  assert.deepEqual(second?.join("a", { peek: true }), NONE);
  second?.progress("b", 0); // It has made up its mind.
  assert.deepEqual(second?.join("a", { peek: true }), {
    kind: "follow",
    peers: ["b"],
  });
});

Deno.test("handle() records nothing of who only looks", () => {
  const home = conversation();
  const facts = { holders: ["y"], failed: ["a", "z"], offset: 5 };
  const looks = [{ peek: true }, { mayLead: false }, {
    peek: true,
    mayLead: false,
  }];
  for (const look of looks) home.join("x", { ...facts, ...look });
  assert.equal(home.state.flights.size, 0);
  home.join("a");
  home.have("z");
  home.wait(STALL_MS);
  const before = structuredClone(home.state);
  for (const look of looks) {
    for (const from of ["a", "x", "z"]) home.join(from, { ...facts, ...look });
  }
  assert.deepEqual(home.state, before);
});

Deno.test("handle() makes no flight of what was never begun", () => {
  const home = conversation();
  home.gone("a");
  home.gone("a", { corrupt: true });
  assert.equal(home.state.flights.size, 0);
});

Deno.test("handle() keeps a bounded number of flights, those heard of last", () => {
  const home = conversation();
  home.join("a");
  for (let n = 0; n < 5_000; n++) {
    home.have("z", digestOf(`${n}`));
    if (n % 1_000 === 0) home.progress("a", n);
  }
  assert.equal(home.state.flights.size, 4_096);
  assert.ok(home.state.flights.has(LAYER));
});

Deno.test("handle() keeps a bounded number of members, and lets no more lead", () => {
  const home = conversation();
  for (let n = 0; n < 2_100; n++) home.progress(`n${n}`, 1);
  assert.equal(home.state.flights.get(LAYER)?.members.size, 2_048);
  home.wait(STALL_MS);
  const all = Array.from({ length: 2_048 }, (_, n) => `n${n}`);
  assert.deepEqual(home.join("x", { failed: all }), NONE);
  assert.deepEqual(home.join("n0", { failed: all }), LEAD);
});

Deno.test("handle() keeps a bounded number of holders, those heard of last", () => {
  const home = conversation();
  for (let n = 0; n < 100; n++) home.have(`n${n}`);
  assert.equal(home.state.flights.get(LAYER)?.holders.size, 32);
  const reply = home.join("x", { mayLead: false });
  assert.deepEqual(reply, { kind: "holders", peers: ["n99", "n98", "n97"] });
});

Deno.test("expire() leaves nothing of a flight that is over", () => {
  const home = conversation();
  threeFly(home);
  home.have("a");
  home.expire();
  assert.equal(home.state.flights.size, 1);
  home.wait(HOLDER_TTL_MS + 1);
  home.expire();
  assert.equal(home.state.flights.size, 0);
});
