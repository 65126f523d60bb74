/**
 * A home's decisions, one rule a test. `home_property_test.ts` has whole flights
 * by chance.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  HOLDER_TTL_MS,
  MAX_DEPTH,
  MEMBER_TTL_MS,
  STALLED_MS,
} from "../../src/flight/home.ts";
import type { FlightReply } from "../../src/flight/messages.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { type Conversation, conversation, LAYER } from "./conversation.ts";

const LEAD: FlightReply = { kind: "lead" };
const NONE: FlightReply = { kind: "none" };

/** Longer than a node that grows is silent, shorter than any memory. */
const STALL_MS = 2_000;

/** Whom a reply names first. */
function parentOf(reply: FlightReply): string {
  assert.ok("peers" in reply, `told ${reply.kind}`);
  return reply.peers[0] ?? assert.fail("nobody is named");
}

/** A leads and has bytes, B and C follow it. */
function threeFly(home: Conversation): void {
  assert.deepEqual(home.join("a"), LEAD);
  assert.equal(parentOf(home.join("b")), "a");
  assert.equal(parentOf(home.join("c")), "a");
  home.progress("a", 10);
  home.progress("b", 9, { parent: "a" });
  home.progress("c", 8, { parent: "a" });
}

Deno.test("handle() lets the first who joins lead, and the next follow", () => {
  const home = conversation();
  assert.deepEqual(home.join("a"), LEAD);
  assert.deepEqual(home.join("b"), { kind: "follow", peers: ["a"] });
});

Deno.test("handle() keeps digests apart", () => {
  const home = conversation();
  home.join("a");
  assert.deepEqual(home.join("b", { digest: digestOf("other") }), LEAD);
});

Deno.test("handle() names a holder before anybody in flight", () => {
  const home = conversation();
  threeFly(home);
  home.have("z");
  const reply = home.join("d");
  assert.equal(reply.kind, "holders");
  assert.equal(parentOf(reply), "z");
});

Deno.test("handle() names holders that the asker knows", () => {
  const home = conversation();
  const reply = home.join("a", { holders: ["z"] });
  assert.deepEqual(reply, { kind: "holders", peers: ["z"] });
  assert.equal(home.join("b").kind, "holders", "and remembers them");
});

Deno.test("handle() names a node with room when a holder has none", () => {
  const home = conversation({ fanOut: 1 });
  home.have("z");
  assert.equal(parentOf(home.join("a")), "z");
  assert.equal(parentOf(home.join("b")), "a");
  assert.equal(parentOf(home.join("c")), "b");
});

Deno.test("handle() fills the tree level by level", () => {
  const home = conversation({ fanOut: 2 });
  home.join("a");
  const parents = ["b", "c", "d", "e", "f", "g", "h"]
    .map((node) => parentOf(home.join(node)));
  assert.deepEqual(parents, ["a", "a", "b", "c", "b", "c", "d"]);
});

Deno.test("handle() names the one with most bytes among equal places", () => {
  const home = conversation({ fanOut: 2 });
  threeFly(home);
  home.progress("c", 20, { parent: "a" });
  assert.equal(parentOf(home.join("d")), "c");
});

Deno.test("handle() names a place without room when there is no other", () => {
  const home = conversation({ fanOut: 0 });
  home.join("a");
  assert.equal(parentOf(home.join("b")), "a");
});

Deno.test("handle() lets all take small content from one", () => {
  const home = conversation({ fanOut: 1 });
  home.join("a", { total: 1_000 });
  for (const node of ["b", "c", "d", "e"]) {
    assert.equal(parentOf(home.join(node, { total: 1_000 })), "a");
  }
});

Deno.test("handle() names others beside the first, best first and not many", () => {
  const home = conversation({ fanOut: 9 });
  home.join("a");
  for (const node of ["b", "c", "d", "e"]) home.join(node);
  const reply = home.join("f");
  assert.ok("peers" in reply);
  assert.equal(reply.peers.length, 3);
  assert.equal(new Set(reply.peers).size, 3);
});

Deno.test("handle() never names the asker", () => {
  const home = conversation();
  assert.deepEqual(home.join("a", { holders: ["a"] }), LEAD);
  home.have("b");
  assert.deepEqual(home.join("b", { failed: ["a"] }), LEAD);
  const peek = { peek: true, mayLead: false };
  home.have("c");
  assert.deepEqual(home.join("c", peek), NONE);
  assert.deepEqual(home.join("c", { mayLead: false, holders: ["c"] }), NONE);
});

Deno.test("handle() never names one below the asker", () => {
  const home = conversation({ fanOut: 1 });
  for (const node of ["a", "b", "c", "d"]) home.join(node); // A chain.
  assert.deepEqual(home.join("a"), LEAD);
  assert.equal(parentOf(home.join("b", { failed: [] })), "a");
  home.wait(STALL_MS);
  assert.deepEqual(home.join("b", { failed: ["a"] }), LEAD);
});

Deno.test("handle() lets a leader that asks again lead again", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  assert.deepEqual(home.join("a", { offset: 10 }), LEAD);
  assert.equal(parentOf(home.join("d")), "a");
});

Deno.test("handle() names no peer that failed the asker", () => {
  const home = conversation();
  threeFly(home);
  const reply = home.join("d", { failed: ["a", "b"] });
  assert.deepEqual(reply, { kind: "follow", peers: ["c"] });
});

Deno.test("handle() forgets a holder that failed somebody", () => {
  const home = conversation();
  home.have("z");
  assert.deepEqual(home.join("a", { failed: ["z"] }), LEAD);
  assert.equal(parentOf(home.join("b")), "a");
});

Deno.test("handle() keeps a leader that grows for the others when one cannot reach it", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  const cut = { failed: ["a", "b", "c"] };
  assert.deepEqual(home.join("x", cut), LEAD, "one more may lead");
  const further = { failed: ["a", "b", "c", "x"] };
  assert.deepEqual(home.join("y", further), NONE, "the next is on its own");
  assert.equal(parentOf(home.join("d", { failed: ["x", "y"] })), "a");
});

Deno.test("handle() counts one that is on its own as somebody to take from", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.join("x", { failed: ["a", "b", "c"] });
  home.join("y", { failed: ["a", "b", "c", "x"] });
  const reply = home.join("d", { failed: ["a", "b", "c", "x"] });
  assert.deepEqual(reply, { kind: "follow", peers: ["y"] });
});

Deno.test("handle() replaces a leader that died, by one, and the rest follow that one", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  assert.deepEqual(home.join("b", { failed: ["a"], offset: 9 }), LEAD);
  assert.equal(parentOf(home.join("c", { failed: ["a"], offset: 8 })), "b");
  assert.equal(parentOf(home.join("d")), "b");
});

Deno.test("handle() replaces a holder that died, by one, and the rest follow that one", () => {
  const home = conversation({ fanOut: 9 });
  home.have("z");
  for (const node of ["a", "b", "c"]) {
    assert.equal(parentOf(home.join(node)), "z");
    home.progress(node, 5, { parent: "z" });
  }
  home.wait(STALL_MS);
  assert.deepEqual(home.join("a", { failed: ["z"], offset: 5 }), LEAD);
  for (const node of ["b", "c"]) {
    const reply = home.join(node, { failed: ["z"], offset: 5 });
    assert.equal(parentOf(reply), "a");
  }
});

Deno.test("handle() sends nobody to a leader that hangs and says so", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  home.join("b", { failed: ["a"], offset: 9 });
  home.progress("a", 10);
  assert.equal(parentOf(home.join("d")), "b");
  assert.equal(parentOf(home.join("e", { failed: ["b"] })), "d");
});

Deno.test("handle() takes a leader that grows again for one", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  home.join("b", { failed: ["a"], offset: 9 });
  home.progress("a", 11);
  assert.equal(parentOf(home.join("d", { failed: ["b"] })), "a");
});

Deno.test("handle() sends nobody to one that waits for a node that hangs", () => {
  const home = conversation({ fanOut: 1 });
  for (const node of ["a", "b", "c"]) home.join(node); // A chain.
  home.progress("a", 1);
  home.wait(STALL_MS);
  assert.deepEqual(home.join("x", { failed: ["a"] }), LEAD);
  assert.equal(parentOf(home.join("y")), "x");
  assert.equal(parentOf(home.join("z", { mayLead: true })), "y");
});

Deno.test("handle() gives a leader time for its first byte", () => {
  const home = conversation();
  home.join("a");
  for (let ms = 0; ms < STALLED_MS; ms += 1_000) {
    home.progress("a", 0);
    assert.equal(parentOf(home.join("b")), "a");
    home.wait(1_000);
  }
  home.progress("a", 0);
  home.wait(1);
  assert.deepEqual(home.join("c"), LEAD, "but not for ever");
});

Deno.test("handle() sends nobody to a member that has stood still for long", () => {
  const home = conversation();
  threeFly(home);
  for (let ms = 0; ms <= STALLED_MS; ms += 1_000) {
    home.wait(1_000);
    home.progress("a", 10);
    home.progress("b", 9, { parent: "a" });
    home.progress("c", 8, { parent: "a" });
  }
  assert.deepEqual(home.join("d"), LEAD);
});

Deno.test("handle() forgets members that are silent", () => {
  const home = conversation();
  home.join("a");
  home.wait(MEMBER_TTL_MS);
  assert.equal(parentOf(home.join("b")), "a");
  home.wait(MEMBER_TTL_MS + 1);
  assert.deepEqual(home.join("c"), LEAD);
});

Deno.test("handle() forgets holders after a time", () => {
  const home = conversation();
  home.have("z");
  home.wait(HOLDER_TTL_MS);
  assert.equal(parentOf(home.join("a")), "z");
  home.wait(1);
  assert.deepEqual(home.join("b", { failed: ["a"] }), LEAD);
});

Deno.test("handle() makes a member that has all a holder", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  assert.deepEqual(home.have("a"), NONE);
  const reply = home.join("d");
  assert.equal(reply.kind, "holders");
  assert.equal(parentOf(reply), "a");
});

Deno.test("handle() names a holder once, though a report of its pull comes late", () => {
  const home = conversation();
  home.join("a");
  home.have("a");
  home.progress("a", 5);
  assert.deepEqual(home.join("b"), { kind: "holders", peers: ["a"] });
});

Deno.test("handle() believes a node that pulls more than others who say it has all", () => {
  const home = conversation();
  home.join("a");
  const reply = home.join("b", { holders: ["a"] });
  assert.deepEqual(reply, { kind: "follow", peers: ["a"] });
});

Deno.test("handle() forgets a holder that pulls anew", () => {
  const home = conversation();
  home.have("a");
  assert.deepEqual(home.join("a"), LEAD);
  assert.deepEqual(home.join("b"), { kind: "follow", peers: ["a"] });
});

Deno.test("handle() forgets who is gone", () => {
  const home = conversation();
  home.join("a");
  home.have("z");
  assert.deepEqual(home.gone("a"), NONE);
  assert.deepEqual(home.gone("z"), NONE);
  assert.deepEqual(home.join("b"), LEAD);
});

Deno.test("handle() ends a flight whose content was corrupt", () => {
  const home = conversation();
  threeFly(home);
  home.have("z");
  assert.deepEqual(home.gone("b", { corrupt: true }), NONE);
  home.progress("a", 90); // They have not found out yet.
  home.progress("c", 80, { parent: "a" });
  assert.deepEqual(home.join("b"), LEAD, "holders and members are set aside");
  assert.equal(parentOf(home.join("d")), "b");
  assert.deepEqual(home.join("e", { mayLead: false }), NONE);
});

Deno.test("handle() takes a node of a corrupt flight back when it begins anew", () => {
  const home = conversation();
  threeFly(home);
  home.gone("b", { corrupt: true });
  assert.deepEqual(home.join("c", { offset: 8 }), LEAD, "on with what it has");
  assert.deepEqual(home.join("d"), LEAD, "but nobody follows it");
  assert.equal(parentOf(home.join("c", { offset: 0 })), "d");
  assert.equal(parentOf(home.join("e", { failed: ["d"] })), "c");
});

Deno.test("handle() takes content that a node of a corrupt flight has committed", () => {
  const home = conversation();
  threeFly(home);
  home.gone("b", { corrupt: true });
  home.have("a");
  assert.deepEqual(home.join("d"), { kind: "holders", peers: ["a"] });
});

Deno.test("handle() lets a flight be no deeper than it may", () => {
  const home = conversation({ fanOut: 1 });
  const depths = new Map<string, number>();
  for (let node = 0; node < 2 * MAX_DEPTH; node++) {
    const reply = home.join(`${node}`);
    const above = depths.get("peers" in reply ? parentOf(reply) : "");
    depths.set(`${node}`, above === undefined ? 0 : above + 1);
  }
  assert.equal(Math.max(...depths.values()), MAX_DEPTH);
});

Deno.test("handle() survives members that say they follow each other", () => {
  const home = conversation();
  home.progress("a", 5, { parent: "b" });
  home.progress("b", 5, { parent: "a" });
  home.progress("s", 5, { parent: "s" });
  home.wait(STALL_MS);
  assert.deepEqual(home.join("c"), LEAD);
  assert.equal(parentOf(home.join("a")), "c");
});

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

Deno.test("handle() tells another home's asker of holders only, and of those it knows itself", () => {
  const home = conversation();
  home.progress("a", 10);
  const peek = { peek: true, holders: ["y"] };
  assert.deepEqual(home.join("x", peek), NONE);
  home.have("z");
  assert.deepEqual(home.join("x", peek), { kind: "holders", peers: ["z"] });
  assert.deepEqual(home.join("x", { ...peek, failed: ["z"] }), NONE);
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
