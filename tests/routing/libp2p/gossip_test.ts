/**
 * News go out together.
 *
 * @module
 */

import assert from "node:assert/strict";
import { gossip } from "../../../src/routing/libp2p/gossip.ts";
import { eventually } from "../../suites/eventually.ts";
import { fakeNetwork, memberRecord } from "./fake_links.ts";

function linked(count: number) {
  return fakeNetwork(Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { linked: true }]),
  ));
}

Deno.test("gossip() tells all what came within a moment, the last word on each", async () => {
  const { links, said } = linked(3);
  using news = gossip(() => links.all());
  news.add(memberRecord("a", { seq: 1 }));
  news.add(memberRecord("b"));
  news.add(memberRecord("a", { seq: 2 }));
  await eventually("it is told", () => said.length > 0);
  assert.deepEqual(said.toSorted(), ["p0: a,b", "p1: a,b", "p2: a,b"]);
});

Deno.test("gossip() tells twelve of many", async () => {
  const { links, said } = linked(40);
  using news = gossip(() => links.all());
  news.add(memberRecord("a"));
  await eventually("it is told", () => said.length > 0);
  assert.equal(new Set(said).size, 12);
});

Deno.test("gossip() tells nothing once it is disposed of", async () => {
  const { links, said } = linked(1);
  {
    using news = gossip(() => links.all());
    news.add(memberRecord("a"));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(said, []);
});
