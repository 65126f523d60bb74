/**
 * Several nodes that pull at once: who goes to the registry, who takes from whom,
 * and who hears what.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ContentSource, OpenContent } from "../../src/content/source.ts";
import { inBackground } from "../../src/async/background.ts";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import { eventually } from "../suites/eventually.ts";
import { fakeContent, pathOf } from "./fake_peer.ts";
import { fleet, type FleetNode } from "./fleet.ts";

/** So large that its size matters to home, too. */
const CONTENT = fakeContent(CHECKED_MAX_BYTES + 12_345);
const OTHER = fakeContent(CHECKED_MAX_BYTES + 54_321);
const { digest: DIGEST, bytes: BYTES } = CONTENT;
const GET = `GET ${pathOf(CONTENT.request)}`;

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** How often a digest was asked for at all nodes. */
function streamsOf(nodes: readonly FleetNode[], digest: string): number {
  return nodes.flatMap(({ served }) => served)
    .filter((line) => line.includes(digest)).length;
}

Deno.test.each([{ fanOut: 1 }, { fanOut: 2 }, { fanOut: 4 }])(
  "8 nodes at once cost the registry one download, fan-out $fanOut",
  async ({ fanOut }) => {
    const { nodes, upstream } = fleet(NAMES, [CONTENT], { fanOut });
    const pulls = nodes.map((node) => node.pull(CONTENT));
    // All have their place before the first byte is there.
    await eventually(
      "everybody but the leader follows",
      () => streamsOf(nodes, DIGEST) === NAMES.length - 1,
    );
    upstream.pour(CONTENT, 1 << 20);
    upstream.pour(CONTENT);
    for (const bytes of await Promise.all(pulls)) {
      assert.deepEqual(bytes, BYTES);
    }
    assert.equal(upstream.requests.length, 1, upstream.requests.join());
    assert.equal(streamsOf(nodes, DIGEST), NAMES.length - 1);
    for (const { name, streams, served } of nodes) {
      assert.ok(streams.most <= fanOut, `${name} gave ${streams.most}`);
      assert.deepEqual(new Set(served), new Set(served.length ? [GET] : []));
    }
  },
);

Deno.test("two digests cross: each has one leader, and nobody waits for ever", async () => {
  const { nodes, upstream } = fleet(NAMES, [CONTENT, OTHER]);
  const pulls = nodes.flatMap((node, index) => {
    const both = [node.pull(CONTENT), node.pull(OTHER)];
    return index % 2 ? both : both.reverse();
  });
  await eventually(
    "all but two follow",
    () =>
      streamsOf(nodes, DIGEST) + streamsOf(nodes, OTHER.digest) ===
        2 * (NAMES.length - 1),
  );
  upstream.pour(OTHER);
  upstream.pour(CONTENT);
  await Promise.all(pulls);
  assert.equal(upstream.requests.length, 2);
});

Deno.test("a node that comes later takes from one that has it, not from the registry", async () => {
  const { nodes, upstream } = fleet(["a", "b", "c"], [CONTENT]);
  const [a, b, c] = nodes as [FleetNode, FleetNode, FleetNode];
  upstream.pour(CONTENT);
  await a.pull(CONTENT);
  await b.pull(CONTENT);
  await c.pull(CONTENT);
  assert.deepEqual(upstream.requests, ["a 0"]);
  assert.deepEqual(b.served.length + a.served.length, 2);
  assert.deepEqual(c.served, []);
});

Deno.test("one join goes to three homes: one decides, the others say what they know, and all hear who leads", async () => {
  const { nodes, upstream } = fleet(["a", "b", "c", "d"], [CONTENT]);
  const [a] = nodes as [FleetNode];
  upstream.pour(CONTENT);
  await a.pull(CONTENT);
  const homes = a.router.nearest(DIGEST, 3).map(({ id }) => id);
  for (const { name, heard } of nodes) {
    const rank = homes.indexOf(name);
    const asked = rank === 0 ? "a join" : "a join peek";
    const expected = rank < 0 || name === "a" ? [] : [asked, "a progress"];
    assert.deepEqual(heard, expected, name);
  }
});

Deno.test("one who only looks asks one home, and leads nobody anywhere", async () => {
  const { nodes, upstream } = fleet(["a", "b", "c", "d"], [CONTENT]);
  const [a] = nodes as [FleetNode];
  const { signal } = new AbortController();
  assert.equal(await a.source.open(CONTENT.request, { signal }), null);
  const [home] = a.router.nearest(DIGEST, 1);
  const heard = nodes.flatMap(({ name, heard }) =>
    heard.map((line) => `${name}: ${line}`)
  );
  assert.deepEqual(heard, home?.id === "a" ? [] : [`${home?.id}: a join`]);
  assert.deepEqual(upstream.requests, []);
});

Deno.test("one who only looks takes from a leader that has bytes", async () => {
  const { nodes, upstream } = fleet(["a", "b"], [CONTENT]);
  const [a, b] = nodes as [FleetNode, FleetNode];
  await using _ = inBackground((signal) => a.flights.run(signal));
  const pulling = a.pull(CONTENT);
  upstream.pour(CONTENT, 1000);
  const { signal } = new AbortController();
  const opened: OpenContent[] = [];
  await eventually("home knows of bytes", async () => {
    const open = await b.source.open(CONTENT.request, { signal });
    if (open) opened.push(open);
    return open !== null;
  });
  upstream.pour(CONTENT);
  const [{ body, flight } = assert.fail("nothing is open")] = opened;
  assert.equal(flight?.role, "follow");
  assert.deepEqual(await new Response(body).bytes(), BYTES);
  await pulling;
  assert.deepEqual(upstream.requests, ["a 0"]);
});

Deno.test("a leader that is gone is followed by one other, at the byte", async () => {
  const fleetOfFour = fleet(["a", "b", "c", "d"], [CONTENT], { fanOut: 3 });
  const { nodes, upstream, leave, pass } = fleetOfFour;
  const [a, ...others] = nodes as [FleetNode, ...FleetNode[]];
  const leading = a.pull(CONTENT).catch(() => null);
  await eventually("a leads", () => upstream.requests.length === 1);
  const pulls = others.map((node) => node.pull(CONTENT));
  await eventually("all follow", () => a.streams.now === 3);
  upstream.pour(CONTENT, 1 << 20);
  const offsets = () => others.map(({ pulls }) => pulls.state(DIGEST));
  await eventually(
    "all have the first bytes",
    () =>
      offsets().every((own) =>
        own && "offset" in own && own.offset === 1 << 20
      ),
  );
  pass(3_000); // Nobody has heard of it for so long.
  leave(a);
  a.pulls.abandon(DIGEST);
  await eventually("another leads", () => upstream.requests.length > 1);
  upstream.pour(CONTENT);
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, BYTES);
  await leading;
  assert.equal(upstream.requests.length, 2, upstream.requests.join());
  assert.match(upstream.requests[1] ?? "", /^[bcd] 1048576$/);
});

Deno.test("corrupt content fails one attempt of a node, then it comes from upstream", async () => {
  const wrong = (source: ContentSource): ContentSource => ({
    ...source,
    async open(request, options) {
      const open = await source.open(request, options);
      if (!open) return null;
      const bytes = await new Response(open.body).bytes();
      bytes[4_200_000] = 255 - (bytes[4_200_000] ?? 0);
      return { ...open, body: ReadableStream.from([bytes]) };
    },
  });
  const { nodes, upstream, pass } = fleet(["a", "b"], [CONTENT], {
    shared: (name, source) => name === "b" ? wrong(source) : source,
  });
  const [a, b] = nodes as [FleetNode, FleetNode];
  await using _ = inBackground((signal) => a.flights.run(signal));
  upstream.pour(CONTENT);
  await b.pull(CONTENT);
  await assert.rejects(a.pull(CONTENT), /a was given other bytes/);
  pass(4_000); // Neither ingest nor content for longer than a commit takes.
  await eventually("it is found out", () => a.corrupt.length > 0);
  assert.deepEqual(a.corrupt, [DIGEST]);
  const heardBefore = b.heard.length;
  assert.deepEqual(await a.pull(CONTENT), BYTES);
  assert.deepEqual(upstream.requests, ["b 0", "a 0"]);
  assert.deepEqual(b.served, [GET]);
  const joins = b.heard.slice(heardBefore).filter((line) => /join/.test(line));
  assert.deepEqual(joins, [], "nobody was asked");
});
