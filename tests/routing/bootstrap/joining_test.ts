/**
 * Joining the others, in a time that passes only when it is waited for.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Clock } from "../../../src/async/clock.ts";
import { joining } from "../../../src/routing/bootstrap/joining.ts";
import { recordedLog } from "../../recorded.ts";

const SELF = "/ip4/10.0.0.1/tcp/5001";
const [ONE, TWO] = ["/ip4/10.0.0.2/tcp/5001", "/ip4/10.0.0.3/tcp/5001"];
const ID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

/** What a test says of the world; it may change while time passes. */
interface World {
  /** What the bootstrap names; an error is thrown. */
  named: readonly string[] | Error;
  /** How many nodes are known. */
  known: number;
  /** What becomes of it when named nodes are reached for. */
  reached?: (addresses: readonly string[]) => void;
}

/** Runs until a time, in ms, and tells what happened when. */
async function run(
  world: World,
  untilMs: number,
  meanwhile: (now: number) => void = () => {},
) {
  const end = new AbortController();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep(ms) {
      now += ms;
      if (now >= untilMs) end.abort();
      else meanwhile(now);
      return Promise.resolve();
    },
  };
  const log = recordedLog();
  const asked: number[] = [];
  const reached: (readonly string[])[] = [];
  const joins = joining({
    bootstrap: {
      kind: "dns",
      find() {
        asked.push(now);
        return world.named instanceof Error
          ? Promise.reject(world.named)
          : Promise.resolve(world.named);
      },
    },
    reach(addresses) {
      reached.push(addresses);
      world.reached?.(addresses);
      return Promise.resolve();
    },
    known: () => world.known,
    self: () => ({ id: ID, addresses: [`${SELF}/p2p/${ID}`] }),
    log,
    clock,
    random: () => 0.5,
  });
  const before = joins.ready();
  await joins.run(end.signal);
  return { asked, reached, log, before, after: joins.ready(), joins };
}

Deno.test("joining() reaches whom the bootstrap names, but not itself", async () => {
  const named = [SELF, `/ip4/10.9.9.9/tcp/1/p2p/${ID}`, ONE ?? "", TWO ?? ""];
  const world: World = { named, known: 0, reached: () => world.known = 2 };
  const { reached, before, after, joins, log } = await run(world, 1_000);
  assert.deepEqual(reached.map((all) => all.toSorted()), [[ONE, TWO]]);
  assert.deepEqual(before, {
    ready: false,
    reason: "bootstrap (dns): nobody has answered yet",
  });
  assert.deepEqual(after, { ready: true });
  assert.deepEqual(joins.outcome(), { kind: "joined" });
  assert.deepEqual(log.lines.map(({ msg }) => msg), ["joined the others"]);
});

Deno.test("joining() asks again every 30 s while few are known, and no more when many are", async () => {
  const world: World = { named: [ONE ?? ""], known: 1 };
  const { asked } = await run(world, 200_000, (now) => {
    if (now > 70_000) world.known = 20;
    if (now > 150_000) world.known = 19;
  });
  assert.deepEqual(asked.slice(0, 3), [0, 30_000, 60_000]);
  assert.equal(asked.length, 5);
  assert.ok((asked[3] ?? 0) > 150_000 && (asked[3] ?? 0) <= 152_000);
});

Deno.test("joining() asks at once when everybody is lost, and then as at its beginning", async () => {
  const world: World = { named: [ONE ?? ""], known: 0 };
  const { asked } = await run(world, 80_000, (now) => {
    world.known = now > 40_000 && now < 70_000 ? 1 : 0;
  });
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  // It had become slow; then somebody was there, and was lost again.
  const lost = asked.findIndex((at) => at >= 70_000);
  assert.ok((gaps[lost - 3] ?? 0) > 5_000);
  assert.ok((asked[lost] ?? Infinity) <= 71_000);
  assert.ok((gaps[lost] ?? Infinity) <= 50);
});

Deno.test("joining() tries forever, ever more slowly up to 10 s", async () => {
  const world: World = { named: new Error("silence"), known: 0 };
  const { asked } = await run(world, 200_000);
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  assert.ok((gaps[0] ?? 99) <= 50);
  for (const [index, gap] of gaps.entries()) {
    assert.ok(gap >= (gaps[index - 1] ?? 0) && gap <= 10_000);
  }
  assert.ok((gaps.at(-1) ?? 0) >= 5_000);
});

Deno.test("joining() is ready at once when it knows that it is alone", async () => {
  const { after, joins, reached } = await run({ named: [SELF], known: 0 }, 100);
  assert.deepEqual(after, { ready: true });
  assert.deepEqual(joins.outcome(), { kind: "alone" });
  assert.deepEqual(reached, []);
});

Deno.test.each([
  {
    named: new Error("Cannot look x up"),
    says: "bootstrap (dns): bootstrap does not answer: Cannot look x up",
  },
  {
    named: [],
    says: "bootstrap (dns): bootstrap names no node, not even this one",
  },
  {
    named: [ONE ?? "", SELF],
    says: "bootstrap (dns): none of the named nodes can be reached",
  },
])("joining() is ready after 10 s all the same: $says", async (row) => {
  const early = await run({ named: row.named, known: 0 }, 9_000);
  assert.deepEqual(early.after, { ready: false, reason: row.says });
  const late = await run({ named: row.named, known: 0 }, 10_000);
  assert.deepEqual(late.after, { ready: true });
  assert.equal(late.log.lines.length, 1);
  assert.equal(late.log.lines[0]?.level, "warn");
});

Deno.test("joining() is ready when others have found it first", async () => {
  const world: World = { named: new Error("silence"), known: 0 };
  const { after, joins } = await run(world, 500, () => world.known = 1);
  assert.deepEqual(after, { ready: true });
  assert.deepEqual(joins.outcome(), { kind: "joined" });
});

Deno.test("joining() once ready stays so", async () => {
  const world: World = { named: [SELF], known: 0 };
  const { after } = await run(world, 5_000, () => {
    world.named = new Error("silence");
  });
  assert.deepEqual(after, { ready: true });
});

Deno.test("joining() survives that nodes cannot be reached for", async () => {
  const world: World = {
    named: [ONE ?? ""],
    known: 0,
    reached() {
      throw new Error("no route");
    },
  };
  const { joins, asked } = await run(world, 1_000);
  assert.deepEqual(joins.outcome(), { kind: "unreachable", named: 1 });
  assert.ok(asked.length > 3);
});

Deno.test("joining() gives addresses in an order of its own", async () => {
  const named = Array.from({ length: 50 }, (_, i) => `/ip4/10.1.0.${i}/tcp/1`);
  const orders = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const end = new AbortController();
    await joining({
      bootstrap: { kind: "dns", find: () => Promise.resolve(named) },
      reach(addresses) {
        assert.deepEqual(addresses.toSorted(), named.toSorted());
        orders.add(addresses.join());
        end.abort();
        return Promise.resolve();
      },
      known: () => 0,
      self: () => ({ id: ID, addresses: [] }),
      log: recordedLog(),
    }).run(end.signal);
  }
  assert.equal(orders.size, 3);
});
