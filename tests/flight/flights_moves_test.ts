/**
 * A node's side of moves: what it tells of its source, and how it obeys a home
 * that knows a better one.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FlightReply } from "../../src/flight/messages.ts";
import { eventually } from "../suites/eventually.ts";
import { type FlyingNode, LAYER, ranked, running } from "./flying_cluster.ts";

const LEAD: FlightReply = { kind: "lead" };

/** B follows A, whose link is slow, and C follows B: who moves is told by home. */
async function slowLeader() {
  const ranks = ranked();
  const { cluster, home, a, b, second: c } = ranks;
  await a.join();
  await b.join({ total: 100_000_000 });
  await c.join({ total: 100_000_000, failed: [a.peer.address] });
  const orders: FlightReply[] = [];
  const sit = (node: FlyingNode, link: number) =>
    node.flights.sit(LAYER, {
      link: () => link,
      move: (order) => void orders.push(order),
    });
  sit(b, 2_500_000);
  const seat = sit(c, 100_000_000);
  const grow = (offset: number) => {
    for (const { pulls } of [a, b, c]) {
      pulls.set(LAYER, { kind: "pulling", offset, total: 100_000_000 });
    }
  };
  return { cluster, home, a, b, c, orders, seat, grow };
}

Deno.test("run() moves a body to where home knows better, and tells of it", async () => {
  const { cluster, home, a, b, c, orders, grow } = await slowLeader();
  await using _ = running([a, b, c]);
  for (let second = 1; second <= 4; second++) {
    grow(second * 2_500_000);
    await cluster.second();
  }
  await eventually("it is told", () => orders.length > 0);
  assert.deepEqual(orders, [LEAD], "once");
  home.heard.length = 0;
  await cluster.second();
  const says = home.heard.find(({ from, kind }) =>
    from === c.peer.address && kind === "progress"
  );
  assert.ok(says?.kind === "progress" && says.parent === null);
  assert.equal(says.link, 2_500_000, "all that it gets");
});

Deno.test("run() moves nothing when the body has ended", async () => {
  const { cluster, a, b, c, orders, seat, grow } = await slowLeader();
  await using _ = running([a, b, c]);
  seat[Symbol.dispose]();
  for (let second = 1; second <= 4; second++) {
    grow(second * 2_500_000);
    await cluster.second();
  }
  assert.deepEqual(orders, []);
});
