/**
 * What two members say to each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  conversation,
  type ConversationDeps,
} from "../../../src/routing/libp2p/conversation.ts";
import { framed } from "../../../src/routing/libp2p/frames.ts";
import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import { eventually } from "../../suites/eventually.ts";
import { streamPair } from "./fake_stream.ts";

const record = (id: string, seq = 1): MemberRecord => ({
  id: id.repeat(46).slice(0, 46),
  seq,
  routers: [],
  address: "10.0.0.1:5002",
  zone: "",
});

/** One side: what it knows, what it heard. The first that it knows is itself. */
function side(knows: MemberRecord[] = [], { filled = false } = {}) {
  const heard = {
    hellos: [] as string[],
    told: 0,
    news: [] as MemberRecord[],
    ends: [] as boolean[],
  };
  const deps: ConversationDeps = {
    onHello: (seen) => heard.hellos.push(seen),
    onTold: () => heard.told++,
    self: () => knows[0] ?? null,
    filled: () => filled,
    onNews: (news) => heard.news.push(...news),
    onEnd: (left) => heard.ends.push(left),
    all: () => knows,
    hash: () => knows.map(({ id, seq }) => `${id}${seq}`).join().length,
  };
  return { heard, deps };
}

Deno.test("conversation() greets with who it is, and all when the other side knows something else", async () => {
  const [a, b] = streamPair();
  const one = side([record("A"), record("B")], { filled: true });
  const two = side();
  const talk = conversation(a.stream, one.deps);
  const back = conversation(b.stream, two.deps);
  talk.greet("10.0.0.9");
  await eventually("it is heard", () => two.heard.hellos.length === 1);
  assert.deepEqual(two.heard.hellos, ["10.0.0.9"]);
  assert.deepEqual(two.heard.news[0], record("A"));
  back.greet("10.0.0.1");
  await eventually("all is told", () => two.heard.told === 1);
  assert.deepEqual(two.heard.news.slice(-2), [record("A"), record("B")]);
  assert.deepEqual(one.heard, {
    hellos: ["10.0.0.1"],
    told: 0, // The other side does not know all.
    news: [],
    ends: [],
  });
});

Deno.test("conversation() tells no table to who knows the same", async () => {
  const [a, b] = streamPair();
  const knows = [record("A"), record("B")];
  const [one, two] = [side(knows), side(knows)];
  const talk = conversation(a.stream, one.deps);
  const back = conversation(b.stream, two.deps);
  talk.greet("10.0.0.9");
  back.greet("10.0.0.1");
  await eventually(
    "both have heard",
    () => one.heard.hellos.length + two.heard.hellos.length === 2,
  );
  talk.beat();
  await eventually("it is answered", () => talk.rttMs !== null);
  assert.equal(a.sent.length + b.sent.length, 4, "two words each");
});

Deno.test("conversation() measures the way to the other side and back", async () => {
  const [a, b] = streamPair();
  const talk = conversation(a.stream, side().deps);
  conversation(b.stream, side().deps);
  assert.equal(talk.rttMs, null);
  talk.beat();
  await eventually("it is measured", () => talk.rttMs !== null);
  assert.ok((talk.rttMs ?? -1) >= 0);
});

Deno.test("conversation() compares tables when two beats differ, and each learns what it lacks", async () => {
  const [a, b] = streamPair();
  const one = side([record("A"), record("B", 2)]);
  const two = side([record("B", 1), record("C"), record("D")]);
  const talk = conversation(a.stream, one.deps);
  conversation(b.stream, two.deps);
  talk.beat();
  await eventually("the first is answered", () => talk.rttMs !== null);
  assert.deepEqual(one.heard.news, [], "once may be chance");
  talk.beat();
  await eventually("one learns", () => one.heard.news.length > 0);
  const sorted = one.heard.news.map(({ id }) => id[0]);
  assert.deepEqual(sorted, ["B", "C", "D"]);
  await eventually("two learns", () => two.heard.news.length > 0);
  assert.deepEqual(two.heard.news, [record("A"), record("B", 2)]);
});

Deno.test("conversation() tells a farewell from a break", async () => {
  for (const farewell of [true, false]) {
    const [a, b] = streamPair();
    const two = side();
    const talk = conversation(a.stream, side().deps);
    conversation(b.stream, two.deps);
    if (farewell) talk.bye();
    await new Promise((resolve) => setTimeout(resolve, 0));
    a.break();
    await eventually("it has ended", () => two.heard.ends.length > 0);
    assert.deepEqual(two.heard.ends, [farewell]);
  }
});

/** A clock that a test moves, in place of the real one. */
function movedClock() {
  const { now } = performance;
  let moved = 0;
  performance.now = () => now.call(performance) + moved;
  return {
    move: (ms: number) => void (moved += ms),
    [Symbol.dispose]: () => void (performance.now = now),
  };
}

Deno.test("conversation() gives up who is silent, but not for having stood still itself", async () => {
  using clock = movedClock();
  const [a] = streamPair();
  const one = side();
  const talk = conversation(a.stream, one.deps);
  talk.beat();
  clock.move(60_000);
  talk.beat(); // What came meanwhile is read after this.
  clock.move(4_000);
  talk.beat();
  await Promise.resolve();
  assert.deepEqual(one.heard.ends, []);
  clock.move(4_000);
  talk.beat();
  await eventually("it is given up", () => one.heard.ends.length === 1);
  assert.deepEqual(one.heard.ends, [false]);
});

Deno.test("conversation() says nothing more, and does not fail, when it has ended", () => {
  const [a] = streamPair();
  const talk = conversation(a.stream, side().deps);
  a.break();
  talk.greet("10.0.0.9");
  talk.tell([record("A")]);
  talk.beat();
  talk.bye();
  assert.equal(a.sent.length, 0);
});

Deno.test.each([
  { name: "what is no JSON", text: "{" },
  { name: "bytes that are no text", text: "\ud800" },
])("conversation() hangs up on $name", async ({ text }) => {
  const [a, b] = streamPair();
  const two = side();
  conversation(b.stream, two.deps);
  const bytes = text === "\ud800"
    ? Uint8Array.of(0xff, 0xfe)
    : new TextEncoder().encode(text);
  a.stream.send(framed([bytes]));
  await eventually("it has ended", () => two.heard.ends.length > 0);
});

Deno.test("conversation() leaves out of a message what is not as it should be", async () => {
  const [a, b] = streamPair();
  const two = side();
  conversation(b.stream, two.deps);
  const odd = [
    "null",
    "[]",
    '{"seen":1,"table":[]}',
    '{"news":"all","beat":"x","hash":{},"bye":1,"table":{"members":1}}',
    `{"later":true,"news":[{"id":1},${JSON.stringify(record("A"))}]}`,
  ];
  a.stream.send(framed(odd.map((text) => new TextEncoder().encode(text))));
  await eventually("the last is heard", () => two.heard.news.length > 0);
  assert.deepEqual(two.heard, {
    hellos: [],
    told: 0,
    news: [record("A")],
    ends: [],
  });
});
