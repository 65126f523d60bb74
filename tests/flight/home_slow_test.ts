/**
 * What a home does about slow nodes, one rule a test. `home_property_test.ts` has
 * whole flights by chance.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FlightReply } from "../../src/flight/messages.ts";
import {
  type Conversation,
  conversation,
  LAYER_BYTES,
  LEAD,
  NONE,
  parentOf,
} from "./conversation.ts";

/** Bytes of a second at the registry's rate, and at that of a slow link. */
const FAST = 20_000_000;
const SLOW = 2_500_000;
/** What a link of 1 Gbit/s gives, in bytes a second. */
const QUICK = 100_000_000;

/** How much each node of a chain gets in a second, and by what link. */
type Chain = Readonly<
  Record<string, { bytes: number; link?: number; best?: number }>
>;

/**
 * Lets the nodes of a chain fly for some seconds; each takes from the one before
 * it, the first from upstream. Tells the last that each was told.
 */
function fly(
  home: Conversation,
  chain: Chain,
  seconds: number,
): Record<string, FlightReply> {
  const names = Object.keys(chain);
  for (const name of names) home.join(name);
  const told: Record<string, FlightReply> = {};
  for (let second = 1; second <= seconds; second++) {
    home.wait(1_000);
    names.forEach((name, i) => {
      const { bytes, link = 0, best = link } = chain[name] ?? assert.fail();
      const parent = names[i - 1] ?? null;
      told[name] = home.progress(name, second * bytes, { parent, link, best });
      // It does what it is told: what comes later is another story.
      if (told[name].kind !== "none") names.splice(i, 1);
    });
  }
  return told;
}

const chainHome = () => conversation({ fanOut: 1 });

Deno.test("handle() takes a node off a parent that is slow", () => {
  const home = chainHome();
  const told = fly(home, {
    a: { bytes: FAST },
    b: { bytes: SLOW, link: SLOW },
    c: { bytes: SLOW, link: QUICK },
    d: { bytes: SLOW, link: QUICK },
  }, 3);
  assert.deepEqual(told.a, NONE, "nobody moves who goes upstream");
  assert.deepEqual(told.c, { kind: "follow", peers: ["a"], depth: 1 });
  assert.deepEqual(told.d, NONE, "its parent moves");
});

Deno.test("handle() sends those who are held back to who has all of it", () => {
  const home = chainHome();
  fly(home, {
    a: { bytes: FAST },
    b: { bytes: SLOW, link: SLOW },
    c: { bytes: SLOW, link: QUICK },
  }, 1);
  home.have("a");
  home.wait(1_000);
  home.progress("b", 2 * SLOW, { parent: "a", link: SLOW });
  const told = home.progress("c", 2 * SLOW, { parent: "b", link: QUICK });
  assert.deepEqual(told, { kind: "holders", peers: ["a"] });
});

Deno.test("handle() leaves a node where it is when it is done soon anyway", () => {
  const home = chainHome();
  const told = fly(home, {
    a: { bytes: 2.5 * FAST },
    b: { bytes: FAST, link: FAST },
    c: { bytes: FAST, link: QUICK },
  }, 2);
  assert.deepEqual(told, { a: NONE, b: NONE, c: NONE });
});

Deno.test("handle() leaves nodes where they are while nobody is much faster", () => {
  const home = chainHome();
  const told = fly(home, {
    a: { bytes: 1.9 * SLOW },
    b: { bytes: SLOW, link: SLOW },
    c: { bytes: SLOW, link: SLOW },
  }, 6);
  assert.deepEqual(told, { a: NONE, b: NONE, c: NONE });
});

Deno.test("handle() moves one that is slow everywhere less and less often", () => {
  const home = conversation({ fanOut: 4 });
  const names = ["a", "b", "c", "slow"];
  for (const name of names) home.join(name);
  const moved: number[] = [];
  let parent = "a";
  for (let second = 1; second <= 30; second++) {
    home.wait(1_000);
    for (const name of ["a", "b", "c"]) {
      const parent = name === "a" ? null : "a";
      if (second * FAST >= LAYER_BYTES) home.have(name);
      else home.progress(name, second * FAST, { parent });
    }
    const facts = { parent, link: SLOW };
    const told = home.progress("slow", second * SLOW, facts);
    if (told.kind === "none") continue;
    assert.notEqual(parentOf(told), parent);
    parent = parentOf(told);
    moved.push(second);
  }
  assert.deepEqual(moved, [2, 6, 14, 30]);
});

Deno.test("handle() gives newcomers places beside a slow node, which takes no room", () => {
  const home = chainHome();
  fly(home, { a: { bytes: FAST }, b: { bytes: SLOW, link: SLOW } }, 2);
  assert.equal(parentOf(home.join("c")), "a", "not b");
  assert.equal(parentOf(home.join("d")), "c", "a has no room for two");
});

/** A leader whose link is slow, and those below it. */
const SLOW_LEADER: Chain = {
  a: { bytes: SLOW },
  b: { bytes: SLOW, link: 1.3 * SLOW },
  c: { bytes: SLOW, link: QUICK },
  d: { bytes: SLOW, link: QUICK },
};

Deno.test("handle() sends one upstream beside a leader whose link is slow", () => {
  const told = fly(chainHome(), SLOW_LEADER, 3);
  assert.deepEqual(told, { a: NONE, b: NONE, c: LEAD, d: NONE });
});

Deno.test("handle() sends one upstream beside a leader whose link is shared by flights", () => {
  // A third of its link is this flight's; what it has goes out by all of it.
  const third = { bytes: SLOW / 3 };
  const told = fly(chainHome(), {
    a: { ...third, link: SLOW },
    b: { ...third, link: 1.3 * SLOW },
    c: { ...third, link: QUICK },
  }, 3);
  assert.deepEqual(told, { a: NONE, b: NONE, c: LEAD });
});

Deno.test("handle() sends a leader's own follower upstream when others gave it more", () => {
  const told = fly(chainHome(), {
    a: { bytes: SLOW },
    b: { bytes: SLOW, link: SLOW, best: QUICK },
  }, 3);
  assert.deepEqual(told, { a: NONE, b: LEAD });
});

Deno.test("handle() sends one upstream beside a leader whose other flights get all bytes", () => {
  const home = chainHome();
  for (const name of ["a", "b", "c"]) home.join(name);
  home.wait(2_000);
  home.progress("a", SLOW, { link: SLOW });
  home.progress("b", SLOW, { parent: "a", link: SLOW, best: SLOW });
  home.wait(2_000); // Nobody has got one byte more.
  home.progress("a", SLOW, { link: SLOW });
  home.progress("b", SLOW, { parent: "a", link: SLOW, best: SLOW });
  const facts = { parent: "b", link: QUICK, best: QUICK };
  assert.deepEqual(home.progress("c", SLOW, facts), LEAD);
});

Deno.test("handle() keeps in mind how fast one is that asks again and stays", () => {
  const home = chainHome();
  fly(home, SLOW_LEADER, 1);
  home.wait(1_000);
  assert.equal(parentOf(home.join("c", { offset: SLOW })), "b");
  const link = QUICK;
  home.progress("a", 2 * SLOW);
  home.progress("b", 2 * SLOW, { parent: "a", link: SLOW });
  const told = home.progress("c", 2 * SLOW, { parent: "b", link, best: link });
  assert.deepEqual(told, LEAD);
});

Deno.test("handle() sends nobody upstream where the registry is slow for all", () => {
  const chain = { ...SLOW_LEADER, b: { bytes: SLOW, link: QUICK } };
  const told = fly(chainHome(), chain, 6);
  assert.deepEqual(told, { a: NONE, b: NONE, c: NONE, d: NONE });
});

Deno.test("handle() sends nobody upstream while somebody has all of it", () => {
  const home = chainHome();
  home.have("z");
  fly(home, SLOW_LEADER, 1);
  // It was sent to z, and says that it takes from b: a word is on its way.
  home.wait(3_000);
  home.progress("a", 4 * SLOW);
  home.progress("b", 4 * SLOW, { parent: "a", link: SLOW });
  const facts = { parent: "b", link: QUICK, best: QUICK };
  assert.notDeepEqual(home.progress("c", 4 * SLOW, facts), LEAD);
});

Deno.test("handle() sends nobody upstream where all links are slow", () => {
  const told = fly(chainHome(), {
    ...SLOW_LEADER,
    c: { bytes: SLOW, link: 3 * SLOW },
    d: { bytes: SLOW, link: 3 * SLOW },
  }, 6);
  assert.deepEqual(told, { a: NONE, b: NONE, c: NONE, d: NONE });
});

Deno.test("handle() sends nobody upstream for what is done soon", () => {
  const quick = { bytes: 4 * SLOW, link: QUICK };
  const told = fly(chainHome(), {
    a: { bytes: 4 * SLOW },
    b: { bytes: 4 * SLOW, link: 4 * SLOW },
    c: { ...quick, link: 20 * SLOW },
    d: { ...quick, link: 20 * SLOW },
  }, 3);
  assert.deepEqual(told, { a: NONE, b: NONE, c: NONE, d: NONE });
});

Deno.test("handle() sends one more upstream only when nobody went", () => {
  const home = chainHome();
  fly(home, SLOW_LEADER, 2);
  /** What c, and then d, is told at a second, while c takes from somebody. */
  const tell = (second: number, parentOfC: string | null) => {
    home.wait(1_000);
    const quick = { link: QUICK, best: QUICK };
    home.progress("a", second * SLOW);
    home.progress("b", second * SLOW, { parent: "a", link: SLOW });
    return [
      home.progress("c", second * SLOW, { parent: parentOfC, ...quick }),
      home.progress("d", second * SLOW, { parent: "c", ...quick }),
    ];
  };
  for (const second of [3, 4, 5, 6]) {
    assert.deepEqual(tell(second, "b"), [NONE, NONE], "the word is on its way");
  }
  assert.deepEqual(tell(7, "b"), [LEAD, NONE], "it was lost");
  for (let second = 8; second < 20; second++) {
    assert.deepEqual(tell(second, null), [NONE, NONE], "it went");
  }
});

Deno.test("handle() moves nobody whose bytes may be wrong", () => {
  const home = chainHome();
  fly(home, {
    a: { bytes: FAST },
    b: { bytes: SLOW, link: SLOW },
    c: { bytes: SLOW, link: QUICK },
  }, 1);
  home.gone("z", { corrupt: true });
  home.wait(2_000);
  home.progress("a", 3 * FAST);
  home.progress("b", 3 * SLOW, { parent: "a" });
  assert.deepEqual(home.progress("c", 3 * SLOW, { parent: "b" }), NONE);
});
