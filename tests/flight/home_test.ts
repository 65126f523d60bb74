/**
 * A home's decisions, one rule a test. `home_property_test.ts` has whole flights
 * by chance.
 *
 * @module
 */

import assert from "node:assert/strict";
import { STALLED_MS } from "../../src/flight/flight.ts";
import { HOLDER_TTL_MS, MEMBER_TTL_MS } from "../../src/flight/home.ts";
import { MAX_DEPTH } from "../../src/flight/tree.ts";
import { digestOf } from "../../src/oci/digest.ts";
import {
  conversation,
  LEAD,
  NONE,
  parentOf,
  STALL_MS,
  threeFly,
} from "./conversation.ts";

Deno.test("handle() lets the first who joins lead, and the next follow", () => {
  const home = conversation();
  assert.deepEqual(home.join("a"), LEAD);
  assert.deepEqual(home.join("b"), { kind: "follow", peers: ["a"], depth: 1 });
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

Deno.test("handle() lets eight take small content from one, then from the next", () => {
  const home = conversation({ fanOut: 1 });
  const total = 1_000;
  home.join("a", { total });
  const names = Array.from({ length: 8 }, (_, n) => `n${n}`);
  for (const name of names) {
    assert.equal(parentOf(home.join(name, { total })), "a");
  }
  assert.equal(parentOf(home.join("late", { total })), "n0");
  const wide = conversation({ fanOut: 20 });
  wide.join("a", { total });
  for (const name of [...names, "late"]) {
    assert.equal(parentOf(wide.join(name, { total })), "a");
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
  home.have("c");
  home.progress("c", 5);
  const peek = { peek: true, failed: ["a", "b"] };
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
  assert.deepEqual(reply, { kind: "follow", peers: ["c"], depth: 2 });
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
  assert.deepEqual(reply, { kind: "follow", peers: ["y"], depth: 1 });
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

Deno.test("handle() lets those wait whose leader gets bytes of other flights first", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  home.progress("a", 10, { flows: true });
  const waiting = { failed: ["a"], stalled: "a", offset: 10 };
  assert.equal(parentOf(home.join("b", waiting)), "a");
  home.wait(1_000);
  home.progress("a", 10, { flows: false });
  assert.deepEqual(home.join("b", waiting), LEAD, "now it gets none at all");
});

Deno.test("handle() lets nobody wait for a node that broke off, whatever its leader gets", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  home.progress("a", 10, { flows: true });
  const left = { failed: ["a"], offset: 10 };
  assert.deepEqual(home.join("b", left), LEAD);
});

Deno.test("handle() lets nobody wait for a node that has more and gives it not", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS);
  home.progress("a", 50_000_000, { flows: true });
  home.wait(STALL_MS);
  const waiting = { failed: ["a"], stalled: "a", offset: 10 };
  assert.deepEqual(home.join("b", waiting), LEAD);
});

Deno.test("handle() ends the wait for a leader that is starved for too long", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  for (let ms = 0; ms <= 20_000; ms += 1_000) {
    home.wait(1_000);
    home.progress("a", 10, { flows: true });
  }
  const waiting = { failed: ["a"], stalled: "a", offset: 10 };
  assert.deepEqual(home.join("b", waiting), LEAD);
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

Deno.test("handle() takes a report for no growth that leaves a node as far as one that waits", () => {
  const home = conversation({ fanOut: 9 });
  threeFly(home);
  home.wait(STALL_MS - 500); // Grown before the stall, told in the middle of it.
  home.progress("a", 50_000_000);
  home.progress("c", 49_500_000, { parent: "a" });
  home.wait(500);
  const waiting = { failed: ["a"], offset: 50_000_000 };
  assert.deepEqual(home.join("b", waiting), LEAD);
  assert.equal(parentOf(home.join("c", waiting)), "b");
});

Deno.test("handle() names one that is behind the asker only when nobody is ahead", () => {
  const home = conversation({ fanOut: 1 });
  home.progress("a", 10_000_000);
  home.progress("b", 40_000_000, { parent: "z" });
  home.progress("c", 30_000_000, { parent: "b" });
  const far = { offset: 35_000_000 };
  assert.equal(parentOf(home.join("d", far)), "b", "though it has no room");
  assert.equal(parentOf(home.join("e", { ...far, failed: ["b", "d"] })), "a");
});

Deno.test("handle() makes one leader of a chain that stalls, not one of each", () => {
  const home = conversation({ fanOut: 1 });
  const chain = ["a", "b", "c", "d"];
  for (const node of chain) {
    home.join(node);
    home.wait(1);
  }
  chain.forEach((node, index) =>
    home.progress(node, 9, { parent: chain[index - 1] ?? null })
  );
  home.wait(STALL_MS);
  assert.deepEqual(home.join("b", { failed: ["a"], offset: 9 }), LEAD);
  home.wait(30); // The others have stalled with it.
  const c = home.join("c", { failed: ["b"], offset: 9 });
  assert.equal(parentOf(c), "b", "it leads since");
  home.wait(30);
  const d = home.join("d", { failed: ["c"], offset: 9 });
  assert.equal(parentOf(d), "c", "it has its place since");
  home.wait(30);
  const again = home.join("c", { failed: ["b"], offset: 9 });
  assert.deepEqual(again, LEAD, "but whom it fails twice it does not get");
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
  assert.deepEqual(reply, { kind: "follow", peers: ["a"], depth: 1 });
});

Deno.test("handle() forgets a holder that pulls anew", () => {
  const home = conversation();
  home.have("a");
  assert.deepEqual(home.join("a"), LEAD);
  assert.deepEqual(home.join("b"), { kind: "follow", peers: ["a"], depth: 1 });
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
