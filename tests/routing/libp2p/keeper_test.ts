/**
 * Who is connected to whom, and who is found to be gone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../../src/async/background.ts";
import { NO_LOG } from "../../../src/log.ts";
import { keeper } from "../../../src/routing/libp2p/keeper.ts";
import { eventually } from "../../suites/eventually.ts";
import {
  type FakeNetwork,
  fakeNetwork,
  type FakePeer,
  memberRecord,
} from "./fake_links.ts";

function peers(count: number, peer: FakePeer = {}): Record<string, FakePeer> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { ...peer }]),
  );
}

function keeping(
  network: FakeNetwork,
  now: () => number = () => performance.now(),
) {
  const { members, links } = network;
  const keep = keeper({ members, links, log: NO_LOG, now });
  const running = inBackground((signal) => keep.run(signal));
  return { keep, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

Deno.test("keeper() connects with all while they are few", async () => {
  const network = fakeNetwork(peers(30));
  await using _keeping = keeping(network);
  await eventually("all are linked", () => network.links.size === 30);
  assert.equal(new Set(network.dialled).size, network.dialled.length);
});

Deno.test("keeper() lets the smaller id dial first", async () => {
  // "self" is greater than "a", and smaller than "z".
  const network = fakeNetwork({ a: {}, z: {} });
  network.members.merge([
    memberRecord("a", { seq: 2 }),
    memberRecord("z", { seq: 2 }),
  ], performance.now());
  await using _keeping = keeping(network);
  await eventually("z is linked", () => network.links.get("z") !== undefined);
  assert.deepEqual(network.dialled, ["z"]);
  await eventually(
    "a did not dial",
    () => network.links.get("a") !== undefined,
  );
});

Deno.test("keeper() connects with about 64 of 1,000", async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `x${i}`);
  const wanted = new Set<string>();
  const network = fakeNetwork(
    Object.fromEntries(ids.map((id) => [id, {}])),
  );
  await using _keeping = keeping(network);
  await eventually("it has enough", () => network.links.size > 40);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (const { id } of network.links.all()) wanted.add(id);
  // One more is asked from time to time whether it lives.
  assert.ok(wanted.size > 36 && wanted.size < 100, `${wanted.size}`);
});

Deno.test("keeper() closes links that were needed for a moment when there are many", async () => {
  const network = fakeNetwork(
    Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [`x${i}`, { linked: i < 300 }]),
    ),
  );
  await using _keeping = keeping(network);
  await eventually("they are few", () => network.links.size <= 101);
  assert.ok(
    network.said.filter((line) => line.endsWith("closed")).length > 190,
  );
});

Deno.test("keeper() finds out that nobody is where a connection broke", async () => {
  const network = fakeNetwork({ a: { linked: true }, b: { linked: true } });
  await using keeping_ = keeping(network);
  const gone = network.links.get("a") ?? assert.fail();
  gone.close();
  const link = network.links.link.bind(network.links);
  Object.assign(network.links, {
    link: (...[member, signal]: Parameters<typeof link>) =>
      member.record.id === "a"
        ? Promise.reject(
          Object.assign(new Error("no"), { code: "ECONNREFUSED" }),
        )
        : link(member, signal),
  });
  keeping_.keep.lost("a");
  assert.ok(keeping_.keep.suspects("a"), "at once");
  await eventually("it is away", () => !network.members.get("a"));
  assert.ok(!keeping_.keep.suspects("a"));
  assert.ok(network.members.get("b"));
});

Deno.test("keeper() makes a connection that broke anew, and suspects nobody then", async () => {
  const network = fakeNetwork({ a: { linked: true } });
  await using keeping_ = keeping(network);
  network.links.get("a")?.close();
  keeping_.keep.lost("a");
  await eventually("it is linked again", () => network.links.size === 1);
  await eventually("it is trusted", () => !keeping_.keep.suspects("a"));
  assert.ok(network.members.get("a"));
});

Deno.test.each([
  { how: "ends the stream", code: undefined },
  // With a secret, js-libp2p tells what the system said.
  { how: "hangs up", code: "EPIPE" },
  { how: "resets the connection", code: "ECONNRESET" },
])(
  "keeper() does not take for dead who has no room and $how",
  async ({ code }) => {
    const network = fakeNetwork({ a: {} });
    let tries = 0;
    Object.assign(network.links, {
      link() {
        tries++;
        const error = new Error("the other end has closed");
        return Promise.reject(Object.assign(error, { code }));
      },
    });
    await using keeping_ = keeping(network);
    keeping_.keep.lost("a");
    await eventually("it was tried three times", () => tries === 3);
    await eventually("it is trusted", () => !keeping_.keep.suspects("a"));
    assert.ok(network.members.get("a"));
  },
);

/** Links whose dials fail after so long, by a clock that they move. */
function slowly(
  network: FakeNetwork,
  msOf: (dial: number) => number | null,
): { now: () => number; most: number[] } {
  const most: number[] = []; // Dials under way when each began.
  const { link } = network.links;
  let moved = 0;
  let open = 0;
  Object.assign(network.links, {
    async link(...[member, signal]: Parameters<typeof link>) {
      most.push(++open);
      const ms = msOf(most.length);
      await new Promise((resolve) => setTimeout(resolve, 0));
      open--;
      if (ms === null) return await link(member, signal);
      moved += ms;
      throw new DOMException("no answer", "TimeoutError");
    },
  });
  return { now: () => performance.now() + moved, most };
}

Deno.test("keeper() does not take for dead whom it was itself too slow to reach", async () => {
  const network = fakeNetwork({ a: {} });
  const { now, most } = slowly(network, () => 10_000);
  await using keeping_ = keeping(network, now);
  keeping_.keep.lost("a");
  await eventually("it was tried three times", () => most.length === 3);
  await eventually("it is trusted", () => !keeping_.keep.suspects("a"));
  assert.ok(network.members.get("a"));
});

Deno.test("keeper() dials fewer at once when that takes too long, and more again when it does not", async () => {
  const network = fakeNetwork(peers(60));
  const { now, most } = slowly(network, (dial) => dial > 16 ? null : 20_000);
  await using _keeping = keeping(network, now);
  await eventually("all are linked", () => network.links.size === 60);
  assert.equal(Math.max(...most.slice(0, 16)), 16);
  assert.ok(most.slice(16, 18).every((open) => open <= 2), `${most}`);
  assert.ok(most.slice(24).some((open) => open >= 8), `${most}`);
});

Deno.test("keeper() tries those that were lost when nobody is left", async () => {
  const network = fakeNetwork({ a: {}, b: {} });
  network.members.down("a", 0);
  network.members.down("b", 0);
  await using _keeping = keeping(network);
  await eventually("both were tried", () => network.links.size === 2);
});

Deno.test("keeper() speaks to all that it is connected with", async () => {
  const network = fakeNetwork({ a: { linked: true }, b: { linked: true } });
  await using _keeping = keeping(network);
  await eventually("both heard", () => network.said.length >= 2);
  assert.deepEqual(network.said.slice(0, 2).toSorted(), ["a: beat", "b: beat"]);
});
