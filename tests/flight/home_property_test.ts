/**
 * Whole flights by chance: what holds for every cluster, whatever befalls it. A
 * failure prints its plan and the last events; equal seeds go equally.
 *
 * @module
 */

import assert from "node:assert/strict";
import { random } from "../suites/random.ts";
import {
  type Misfortune,
  MISFORTUNES,
  type Outcome,
  type Plan,
} from "./simulated_plan.ts";
import { simulate } from "./simulation.ts";

/** Clusters to which nothing happens, and those to which anything may. */
const CALM_PLANS = 800;
const ROUGH_PLANS = 1_200;
/** Clusters to which one kind of thing happens, each. */
const SINGLE_PLANS = 150;

/** Events that a failure prints. */
const LAST_EVENTS = 60;

/**
 * In which all that live have everything after the last misfortune, in ms: one
 * download takes 2.4 s; a stall, a question that two homes leave unanswered and
 * a second download are as long each, and some misfortunes come one on another.
 */
const DEADLINE_MS = 20_000;

/** Until nodes that take from each other have noticed: a stall and a question. */
const CIRCLE_MS = 6_000;

const FAN_OUTS = [1, 2, 3, 4, 6, 1_000];
const SPREADS_MS = [0, 100, 2_000, 6_000];

/** A plan without faults. */
function calmPlan(seed: number): Plan {
  const numbers = random(seed * 7 + 1);
  const anyOf = (all: readonly number[]) => all[numbers.below(all.length)] ?? 0;
  return {
    seed,
    nodes: 2 + numbers.below(11),
    digests: 1 + numbers.below(3),
    fanOut: anyOf(FAN_OUTS),
    spreadMs: anyOf(SPREADS_MS),
    lostPercent: 0,
    doubledPercent: anyOf([0, 0, 30]),
    misfortunes: [],
  };
}

/** A plan with some of these misfortunes, and perhaps a bad network. */
function roughPlan(seed: number, kinds: readonly Misfortune[]): Plan {
  const numbers = random(seed * 7 + 2);
  return {
    ...calmPlan(seed),
    lostPercent: numbers.below(3) === 0 ? numbers.below(20) : 0,
    misfortunes: Array.from(
      { length: 1 + numbers.below(4) },
      () => kinds[numbers.below(kinds.length)] ?? assert.fail(),
    ),
  };
}

/** Lets a plan happen and checks it; says how it came to what is wrong. */
function check(plan: Plan, holds: (outcome: Outcome) => void): void {
  const outcome = simulate(plan);
  try {
    holds(outcome);
  } catch (error) {
    const events: string[] = [];
    simulate(plan, events);
    const last = events.slice(-LAST_EVENTS).join("\n");
    const facts = JSON.stringify({ plan, outcome }, null, 2);
    assert.fail(`${error}\n${facts}\n${last}`);
  }
}

/** What holds whatever happens. */
function holdsAlways(outcome: Outcome, { nodes }: Plan): void {
  assert.deepEqual(outcome.waiting, [], "all that live have everything");
  assert.ok(outcome.lastMs <= DEADLINE_MS, "in time");
  assert.ok(outcome.circleMs <= CIRCLE_MS, "nobody waits in a circle for long");
  assert.equal(outcome.left, 0, "homes forget what is over");
  assert.ok(outcome.most <= nodes, "homes know nobody twice");
}

Deno.test("handle() makes one leader and one copy where nothing goes wrong", () => {
  for (let seed = 0; seed < CALM_PLANS; seed++) {
    const plan = calmPlan(seed);
    check(plan, (outcome) => {
      holdsAlways(outcome, plan);
      assert.equal(outcome.circleMs, 0, "nobody waits in a circle");
      for (const { leads, alone, copies } of outcome.flown) {
        assert.deepEqual({ leads, alone, copies }, {
          leads: 1,
          alone: 0,
          copies: 1,
        });
      }
    });
  }
});

/** All but what makes a pull slow by itself. */
const SOON = MISFORTUNES.filter((one) => one !== "slow");

Deno.test("handle() makes a leader more for each misfortune at most", () => {
  for (let seed = 0; seed < ROUGH_PLANS; seed++) {
    const plan = roughPlan(seed, SOON);
    check(plan, (outcome) => {
      holdsAlways(outcome, plan);
      for (const { leads, alone, copies, excuses } of outcome.flown) {
        assert.ok(leads + alone <= 1 + excuses, "starts");
        assert.ok(copies <= 1 + excuses, "copies");
      }
    });
  }
});

/** What one misfortune may cost: starts upstream, and ms until all is done. */
const COSTS: readonly (readonly [Misfortune, number, number])[] = [
  ["hang", 1, 5_000],
  ["starve", 0, 5_000],
  ["break", 1, 5_000], // The leader goes on where it was.
  ["cut", 1, 8_000],
  ["cancel", 1, 8_000],
  ["amnesia", 1, 5_000],
  ["newcomer", 1, 5_000],
  ["collect", 1, 5_000],
  ["crash", 2, 5_000], // It comes back, and is home anew.
];

Deno.test.each(COSTS)(
  "handle() makes few more leaders, soon, after one %s",
  (kind, starts, lastMs) => {
    for (let seed = 0; seed < SINGLE_PLANS; seed++) {
      const plan = { ...calmPlan(seed), misfortunes: [kind] };
      check(plan, (outcome) => {
        holdsAlways(outcome, plan);
        assert.ok(outcome.lastMs <= lastMs, "soon");
        for (const { leads, alone } of outcome.flown) {
          assert.ok(leads + alone <= 1 + starts, "starts");
        }
      });
    }
  },
);

/**
 * Home never makes a circle, but its answers to two nodes may be on their way for
 * 200 ms each: the one that is to lead may hear of it after the one that is to
 * take from it.
 */
const ANSWERS_MS = 400;

Deno.test.each<Misfortune>(["hang", "break", "amnesia"])(
  "handle() lets nobody wait in a circle after any %s, but for its answers",
  (kind) => {
    for (let seed = 0; seed < 2 * SINGLE_PLANS; seed++) {
      const plan = {
        ...roughPlan(seed, [kind]),
        lostPercent: 0,
        doubledPercent: 0,
      };
      check(plan, ({ circleMs }) => assert.ok(circleMs <= ANSWERS_MS));
    }
  },
);

Deno.test("handle() makes no second copy when downloads starve or are broken off", () => {
  for (let seed = 0; seed < SINGLE_PLANS; seed++) {
    const plan = { ...roughPlan(seed, ["break", "starve"]), lostPercent: 0 };
    check(plan, ({ flown }) => {
      for (const { copies } of flown) assert.equal(copies, 1);
    });
  }
});

/** A plan with a slow node, and somebody below those who take from it. */
function slowPlan(seed: number, misfortunes: readonly Misfortune[]): Plan {
  const plan = roughPlan(seed, misfortunes);
  const fanOut = 1 + seed % 3;
  return {
    ...plan,
    fanOut,
    nodes: Math.max(plan.nodes, fanOut + 2),
    spreadMs: Math.min(plan.spreadMs, 2_000),
    misfortunes: ["slow", ...plan.misfortunes],
  };
}

/**
 * In which all but the slow node have everything, in ms: 48 s where they wait for
 * it. Its pace is known after 2 to 3 s, the second download takes 2.4 s, and then
 * those move who are still below the slow one.
 */
const RELIEVED_MS = 14_000;

Deno.test("handle() lets nobody wait for a slow node", () => {
  for (let seed = 0; seed < SINGLE_PLANS; seed++) {
    const plan = {
      ...slowPlan(seed, ["slow"]),
      misfortunes: ["slow"] as const,
      lostPercent: 0,
    };
    check(plan, (outcome) => {
      holdsAlways(outcome, plan);
      assert.ok(outcome.lastMs <= RELIEVED_MS, "soon");
      assert.ok(outcome.circleMs <= ANSWERS_MS, "nobody waits in a circle");
      for (const { leads, alone } of outcome.flown) {
        assert.ok(leads + alone <= 2, "starts");
      }
    });
  }
});

Deno.test("handle() lets nobody wait for a slow node whatever else happens", () => {
  for (let seed = 0; seed < ROUGH_PLANS; seed++) {
    const plan = slowPlan(seed, MISFORTUNES);
    check(plan, (outcome) => {
      assert.deepEqual(outcome.waiting, [], "all that live have everything");
      assert.ok(outcome.circleMs <= CIRCLE_MS, "nobody waits in a circle");
      for (const { leads, alone, copies, excuses } of outcome.flown) {
        assert.ok(leads + alone <= 2 + excuses, "starts");
        assert.ok(copies <= 2 + excuses, "copies");
      }
    });
  }
});

/** Where upstream is slow for all, and where all links are. */
Deno.test.each([400, 1_250, 5_000])(
  "handle() makes no second leader where upstream gives %d bytes a ms to all",
  (upstreamRate) => {
    for (let seed = 0; seed < SINGLE_PLANS; seed++) {
      const plan = { ...calmPlan(seed), upstreamRate };
      check(plan, ({ flown, waiting }) => {
        assert.deepEqual(waiting, []);
        for (const { leads, copies } of flown) {
          assert.deepEqual({ leads, copies }, { leads: 1, copies: 1 });
        }
      });
    }
  },
);

/**
 * Second leaders in a hundred flights at most, what is lost in a hundred messages,
 * and what befalls a cluster of 12. Home is late (half a second is as good as
 * lost), or all nodes boot within 12 s, and whoever is nearest then knows nothing
 * of what others lead. Where only home is told who leads, there are 15, 53 and 43.
 */
const SECOND_LEADS:
  readonly (readonly [string, number, Misfortune[], number])[] = [
    ["homes are late", 10, [], 2],
    ["homes are very late", 30, [], 20],
    ["all homes are new", 0, Array(11).fill("newcomer"), 10],
  ];

Deno.test.each(SECOND_LEADS)(
  "handle() makes few second leaders where %s",
  (_what, lostPercent, misfortunes, atMost) => {
    let flights = 0;
    let second = 0;
    for (let seed = 0; seed < SINGLE_PLANS; seed++) {
      const plan = { ...calmPlan(seed), nodes: 12, lostPercent, misfortunes };
      check(plan, ({ flown }) => {
        flights += flown.length;
        for (const { leads, alone } of flown) second += leads + alone - 1;
      });
    }
    const percent = 100 * second / flights;
    assert.ok(percent <= atMost, `${percent} in a hundred`);
  },
);
