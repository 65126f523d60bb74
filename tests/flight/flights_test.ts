/**
 * A node's side of flights: whom it asks, what it makes of the answers, and what
 * it tells homes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../src/async/background.ts";
import { flights } from "../../src/flight/flights.ts";
import type { FlightReply } from "../../src/flight/messages.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { recordedLog } from "../recorded.ts";
import { eventually } from "../suites/eventually.ts";
import {
  type Behaviour,
  flyingCluster,
  type FlyingNode,
  LAYER,
  ranked,
  running,
} from "./flying_cluster.ts";

const LEAD: FlightReply = { kind: "lead" };
const NONE = { kind: "none" };

function kinds({ heard }: FlyingNode): string[] {
  return heard.map((message) =>
    message.kind === "join" && message.peek ? "peek" : message.kind
  );
}

function follow(...nodes: FlyingNode[]) {
  return {
    kind: "follow",
    peers: nodes.map(({ peer }) => peer.address),
    depth: 1,
  };
}

function holders(...nodes: FlyingNode[]) {
  const { peers } = follow(...nodes);
  return { kind: "holders", peers };
}

Deno.test("join() asks home to decide, and the next two for holders", async () => {
  const { home, second, third, a, b } = ranked();
  assert.deepEqual(await a.join(), LEAD);
  assert.deepEqual(await b.join(), follow(a));
  assert.deepEqual(kinds(home), ["join", "progress", "join"]);
  assert.deepEqual(kinds(second), ["peek", "progress", "peek"]);
  assert.deepEqual(kinds(third), ["peek", "progress", "peek"]);
});

Deno.test("join() tells all homes at once that this node leads", async () => {
  const { home, second, third, a, b } = ranked();
  await a.join({ total: 9 });
  for (const node of [home, second, third]) {
    assert.deepEqual(node.heard.at(-1), {
      kind: "progress",
      digest: LAYER,
      from: a.peer.address,
      parent: null,
      offset: 0,
      total: 9,
      flows: false,
      link: 0,
      best: 0,
    });
  }
  home.behaviour = "refuses";
  assert.deepEqual(await b.join(), follow(a), "so the next home knows");
});

Deno.test("join() follows whom another home knows to lead, where its own knows nobody", async () => {
  const { home, second, a, b } = ranked();
  home.behaviour = "refuses";
  assert.deepEqual(await a.join(), LEAD);
  home.behaviour = "answers"; // And has heard nothing.
  const { depth: _, ...told } = follow(a);
  assert.deepEqual(await b.join(), told);
  assert.ok(b.flights.takesPart(LAYER));
  // It was told of somebody: now home must have a reason.
  assert.deepEqual(await b.join(), LEAD);
  assert.ok(kinds(second).length > 0);
});

Deno.test("join() decides for itself when it is home, and others agree", async () => {
  const { home, a } = ranked();
  assert.deepEqual(await home.join(), LEAD);
  assert.deepEqual(kinds(home), [], "it needs no request for that");
  assert.deepEqual(await a.join(), follow(home));
});

Deno.test("join() tells all that a node knows", async () => {
  const { home, a } = ranked();
  const failed = Array.from({ length: 20 }, (_, n) => `10.1.0.${n}:5002`);
  const stalled = "10.1.0.19:5002";
  const holders = ["10.2.0.1:5002"];
  await a.join({ offset: 5, total: 9, holders, failed, stalled });
  assert.deepEqual(home.heard, [{
    kind: "join",
    digest: LAYER,
    from: a.peer.address,
    mayLead: true,
    peek: false,
    offset: 5,
    total: 9,
    holders: ["10.2.0.1:5002"],
    failed: failed.slice(-16), // The oldest may have mended.
    stalled: "10.1.0.19:5002",
  }]);
});

Deno.test.each<[Behaviour]>([
  ["refuses"],
  ["is silent"],
  ["is plain"],
  ["talks nonsense"],
  ["is short"],
])("join() asks a home that %s twice, then the next", async (behaviour) => {
  const { home, second, a, b } = ranked();
  home.behaviour = behaviour;
  assert.deepEqual(await a.join(), LEAD);
  assert.deepEqual(await b.join(), follow(a));
  const asked = kinds(second).filter((kind) => kind !== "progress");
  assert.deepEqual(asked, ["peek", "join", "peek", "join"]);
  const joins = kinds(home).filter((kind) => kind === "join");
  if (behaviour !== "refuses") assert.equal(joins.length, 4);
  assert.ok(a.log.lines.some(({ msg }) => msg === "home does not answer"));
  // What is told to it ends by itself.
  await a.log.line("home was not told");
});

Deno.test("join() leads when nobody answers, or takes from holders that it knows", async () => {
  const { home, second, third, a } = ranked();
  for (const node of [home, second, third]) node.behaviour = "refuses";
  assert.deepEqual(await a.join(), LEAD);
  assert.deepEqual(await a.join({ mayLead: false }), NONE);
  const known = ["10.1.0.1:5002", "10.1.0.2:5002"];
  const failed = ["10.1.0.1:5002"];
  assert.deepEqual(await a.join({ holders: known, failed }), {
    kind: "holders",
    peers: ["10.1.0.2:5002"],
  });
  assert.deepEqual(await a.join({ holders: failed, failed }), LEAD);
});

Deno.test("join() is home alone in a cluster of one", async () => {
  const { nodes: [node] } = flyingCluster(1);
  assert.deepEqual(await node?.join(), LEAD);
  assert.deepEqual(await node?.join(), LEAD, "and leads when it asks again");
});

Deno.test("join() takes another home's holder rather than lead", async () => {
  const { third, a, b } = ranked();
  const from = b.peer.address;
  third.flights.answer([{ kind: "have", digest: LAYER, from }]);
  assert.deepEqual(await a.join(), holders(b));
  assert.ok(a.flights.takesPart(LAYER));
  assert.deepEqual(await a.join({ failed: [from] }), LEAD);
});

Deno.test("join() does not wait long for another home's word", async () => {
  const { second, third, a } = ranked();
  second.behaviour = "is silent";
  third.behaviour = "is silent";
  assert.deepEqual(await a.join(), LEAD);
  // Its questions end by themselves; then nothing is left of them.
  const { lines } = a.log;
  await eventually("all have ended", () => lines.length === 4);
});

Deno.test("join() asks nobody while this node has no address", async () => {
  const router = {
    ...flyingCluster(3).nodes[0]?.router ?? assert.fail(),
    self: () => null,
    nearest: () => [{ id: "other", address: "10.9.0.1:5002" }],
  };
  const own = flights({
    router,
    id: "unnamed",
    pullState: () => Promise.resolve(null),
    log: recordedLog(),
    fetcher: () => assert.fail("asked"),
  }, { fanOut: 2 });
  const request = {
    digest: LAYER,
    mayLead: true,
    offset: 0,
    total: 0,
    holders: [],
    failed: [],
    stalled: null,
    signal: new AbortController().signal,
  };
  assert.deepEqual(await own.join(request), LEAD);
  assert.ok(!own.takesPart(LAYER), "nobody can follow it");
});

Deno.test("join() ends with its signal and leaves no part behind", async () => {
  const { home, second, third, a } = ranked();
  for (const node of [home, second, third]) node.behaviour = "is silent";
  const ended = new AbortController();
  const joining = a.join({ signal: ended.signal });
  ended.abort();
  assert.deepEqual(await joining, NONE);
  assert.ok(!a.flights.takesPart(LAYER));
  const before = home.heard.length;
  assert.deepEqual(await a.join({ signal: ended.signal }), NONE);
  assert.equal(home.heard.length, before, "nor does it begin then");
});

Deno.test("takesPart() is true for who leads, follows or is on its own, not for who looks", async () => {
  const { home, second, third, a, b } = ranked();
  await second.join({ mayLead: false });
  await a.join();
  await b.join();
  await third.join({ failed: [a, b].map(({ peer }) => peer.address) });
  const failed = [a, b, third].map(({ peer }) => peer.address);
  assert.deepEqual(await home.join({ failed }), NONE);
  const parts = [home, second, third, a, b]
    .map((node) => node.flights.takesPart(LAYER));
  assert.deepEqual(parts, [true, false, true, true, true]);
});

Deno.test("run() tells home how far this node is, and from whom it takes", async () => {
  const { cluster, home, second, a, b } = ranked();
  await using _ = running([a, b]);
  await a.join();
  await b.join();
  a.pulls.set(LAYER, { kind: "pulling", offset: 7, total: 9 });
  b.pulls.set(LAYER, { kind: "pulling", offset: 5, total: 9 });
  await cluster.second();
  const progress = { kind: "progress", digest: LAYER, total: 9 };
  const told = home.heard.slice(3).toSorted((x, y) =>
    x.from === a.peer.address ? -1 : y.from === a.peer.address ? 1 : 0
  );
  assert.deepEqual(told, [
    {
      ...progress,
      from: a.peer.address,
      parent: null,
      offset: 7,
      flows: true,
      link: 0,
      best: 0,
    },
    {
      ...progress,
      from: b.peer.address,
      parent: a.peer.address,
      offset: 5,
      flows: false,
      link: 0,
      best: 0,
    },
  ]);
  const onlyLeader = ["peek", "progress", "peek", "progress"];
  assert.deepEqual(kinds(second), onlyLeader, "the next, of who leads");
  home.heard.length = 0;
  b.flights.follows(LAYER, second.peer.address);
  await cluster.second();
  const tellsOfSecond = home.heard.some((message) =>
    message.kind === "progress" && message.parent === second.peer.address
  );
  assert.ok(tellsOfSecond);
});

Deno.test("run() tells the next home while the first does not answer", async () => {
  const { cluster, home, second, a, b } = ranked();
  await using _ = running([a]);
  await a.join();
  a.pulls.set(LAYER, { kind: "pulling", offset: 7, total: 9 });
  home.behaviour = "refuses";
  await cluster.second();
  assert.deepEqual(kinds(second), ["peek", "progress", "progress"]);
  assert.deepEqual(await b.join(), follow(a));
});

Deno.test("run() tells a new home, which has forgotten or never knew", async () => {
  const { cluster, a, b } = ranked();
  await using _ = running([a]);
  await a.join();
  a.pulls.set(LAYER, { kind: "pulling", offset: 7, total: 9 });
  const [home, second] = cluster.homesOf(LAYER);
  assert.ok(home && second);
  // The view of all: the first home has left.
  for (const node of cluster.nodes) {
    const { nearest } = node.router;
    node.router.nearest = (key, count) =>
      nearest(key, count + 1).filter(({ id }) => id !== home.peer.id)
        .slice(0, count);
  }
  await cluster.second();
  assert.deepEqual(await b.join(), follow(a));
});

Deno.test("run() tells in batches that a home takes, and leaves nothing out", async () => {
  const cluster = flyingCluster(2);
  const [a, b] = cluster.nodes;
  assert.ok(a && b);
  await using _ = running([a]);
  const digests: Digest[] = [];
  for (let n = 0; n < 700; n++) {
    const digest = digestOf(`${n}`);
    digests.push(digest);
    a.pulls.set(digest, { kind: "pulling", offset: n, total: 1_000 });
    await a.join({ digest, total: 0 });
  }
  b.heard.length = 0;
  b.batches.length = 0;
  await cluster.second();
  const homed = digests.filter((digest) =>
    a.router.nearest(digest, 1)[0]?.id === b.peer.id
  );
  assert.ok(homed.length > 256, "more than one batch");
  assert.deepEqual(
    b.heard.map(({ digest }) => digest).toSorted(),
    digests.toSorted(),
    "as first home and as second",
  );
  const full = (count: number) => Math.ceil(count / 256);
  const others = digests.length - homed.length;
  assert.equal(b.batches.length, full(homed.length) + full(others));
});

Deno.test("run() tells that this node has it, once home hears, and then no more", async () => {
  const { cluster, home, second, third, a, b } = ranked();
  await using _ = running([a]);
  await a.join();
  a.pulls.set(LAYER, { kind: "complete" });
  for (const node of [home, second, third]) node.behaviour = "refuses";
  await cluster.second();
  for (const node of [home, second, third]) node.behaviour = "answers";
  assert.ok(a.flights.takesPart(LAYER), "nobody has heard");
  await cluster.second();
  assert.ok(!a.flights.takesPart(LAYER));
  await cluster.second();
  assert.deepEqual(kinds(home), ["join", "progress", "have"]);
  assert.deepEqual(await b.join(), holders(a));
});

Deno.test("run() does not tell for ever what nobody hears", async () => {
  const { cluster, home, second, third, a } = ranked();
  await using _ = running([a]);
  await a.join();
  a.pulls.set(LAYER, { kind: "complete" });
  for (const node of [home, second, third]) node.behaviour = "refuses";
  cluster.wait(60_000);
  await cluster.second();
  assert.ok(!a.flights.takesPart(LAYER));
});

Deno.test("run() tells that this node has left when its pull is gone for a while", async () => {
  const { cluster, home, a, b } = ranked();
  await using _ = running([a]);
  await a.join();
  for (let passed = 0; passed < 2; passed++) await cluster.second();
  assert.deepEqual(
    kinds(home),
    ["join", "progress"],
    "it may be between ingest and commit",
  );
  for (let passed = 0; passed < 2; passed++) await cluster.second();
  assert.deepEqual(kinds(home), ["join", "progress", "gone"]);
  assert.ok(!a.flights.takesPart(LAYER));
  assert.deepEqual(await b.join(), LEAD);
});

Deno.test("run() keeps a part that is joined again while its end is told", async () => {
  const { cluster, home, a } = ranked();
  await using _ = running([a]);
  await a.join();
  a.pulls.set(LAYER, { kind: "complete" });
  const { answer } = home.flights;
  const joined: Promise<unknown>[] = [];
  home.flights.answer = (messages) => {
    if (messages[0]?.kind === "have") {
      home.flights.answer = answer;
      joined.push(a.join({ digest: digestOf("other") }));
      // As join() of the same digest would: the old part is no more.
      joined.push(a.join());
    }
    return answer(messages);
  };
  await cluster.second();
  await Promise.all(joined);
  assert.ok(a.flights.takesPart(LAYER));
});

Deno.test("run() goes on when this node's own pull cannot be seen", async () => {
  const { cluster, home, a } = ranked();
  const log = recordedLog();
  let fails = true;
  const own = flights({
    router: a.router,
    id: a.peer.id,
    pullState: () =>
      fails
        ? Promise.reject(new Error("no folder"))
        : Promise.resolve({ kind: "complete" }),
    log,
    fetcher: (() => Promise.reject(new Error("refused"))) as typeof fetch,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
  }, { fanOut: 2 });
  const { signal } = new AbortController();
  await own.join({
    digest: LAYER,
    mayLead: true,
    offset: 0,
    total: 0,
    holders: [],
    failed: [],
    stalled: null,
    signal,
  });
  await using _ = inBackground((signal) => own.run(signal));
  await log.line("own pull cannot be seen");
  fails = false;
  await log.line("home was not told");
  assert.deepEqual(kinds(home), []);
  assert.equal(cluster.nodes.length, 5);
});

Deno.test("run() ends with its signal", async () => {
  const { home, a } = ranked();
  await a.join();
  a.pulls.set(LAYER, { kind: "pulling", offset: 1, total: 2 });
  await a.run(AbortSignal.abort());
  await using background = running([a]);
  await background[Symbol.asyncDispose]();
  assert.deepEqual(kinds(home), ["join", "progress"]);
});

Deno.test("delivered() makes a pull that ends without content a corrupt one", async () => {
  const { cluster, home, a, b } = ranked();
  await using _ = running([b]);
  await a.join();
  await b.join();
  b.flights.delivered(LAYER, [a.peer.address]);
  for (let passed = 0; passed < 4; passed++) await cluster.second();
  assert.deepEqual(b.corrupt, [{ digest: LAYER, sources: [a.peer.address] }]);
  const from = b.peer.address;
  const gone = { kind: "gone", digest: LAYER, from, corrupt: true };
  assert.deepEqual(home.heard.at(-1), gone);
  assert.ok(!b.flights.takesPart(LAYER));
  assert.deepEqual(await b.join(), LEAD, "home has ended the flight");
});

Deno.test("delivered() means nothing for a pull that ends with content", async () => {
  const { cluster, home, a } = ranked();
  await using _ = running([a]);
  await a.join();
  a.flights.delivered(LAYER, ["10.1.0.1:5002"]);
  a.pulls.set(LAYER, { kind: "complete" });
  await cluster.second();
  assert.deepEqual(kinds(home), ["join", "progress", "have"]);
  assert.deepEqual(a.corrupt, []);
});

Deno.test("run() takes no pull for gone while containerd is away", async () => {
  const { cluster, home, a } = ranked();
  await using _ = running([a]);
  await a.join();
  a.flights.delivered(LAYER, ["10.1.0.1:5002"]);
  a.pulls.set(LAYER, { kind: "unknown" });
  for (let passed = 0; passed < 5; passed++) await cluster.second();
  assert.deepEqual(kinds(home), ["join", "progress"]);
  assert.ok(a.flights.takesPart(LAYER));
});

Deno.test("answer() replies to each message in its place", () => {
  const { a, b } = ranked();
  const facts = { digest: LAYER, from: b.peer.address };
  const join = {
    ...facts,
    kind: "join",
    mayLead: true,
    peek: false,
    offset: 0,
    total: 0,
    holders: [],
    failed: [],
    stalled: null,
  } as const;
  const replies = a.flights.answer([
    { kind: "gone", ...facts, corrupt: false },
    join,
    { kind: "have", ...facts },
    { ...join, from: "10.1.0.1:5002" },
  ]);
  assert.deepEqual(replies, [NONE, LEAD, NONE, holders(b)]);
});
