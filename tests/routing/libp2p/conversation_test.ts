/**
 * What two members say to each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  conversation,
  type ConversationDeps,
  type Hello,
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

/** One side: what it knows, what it heard. */
function side(knows: MemberRecord[] = []) {
  const heard = {
    hellos: [] as Hello[],
    news: [] as MemberRecord[],
    ends: [] as boolean[],
  };
  const deps: ConversationDeps = {
    onHello: (hello) => heard.hellos.push(hello),
    onNews: (news) => heard.news.push(...news),
    onEnd: (left) => heard.ends.push(left),
    all: () => knows,
    hash: () => knows.length,
  };
  return { heard, deps };
}

const HELLO = { seen: "10.0.0.9", filled: true };

Deno.test("conversation() greets with all that it knows", async () => {
  const [a, b] = streamPair();
  const [one, two] = [side([record("A")]), side()];
  const talk = conversation(a.stream, one.deps);
  conversation(b.stream, two.deps);
  talk.greet(HELLO);
  await eventually("it is heard", () => two.heard.hellos.length === 1);
  assert.deepEqual(two.heard.hellos, [HELLO]);
  assert.deepEqual(two.heard.news, [record("A")]);
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

Deno.test("conversation() says nothing more, and does not fail, when it has ended", () => {
  const [a] = streamPair();
  const talk = conversation(a.stream, side().deps);
  a.break();
  talk.greet(HELLO);
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
    '{"hello":{"seen":1}}',
    '{"news":"all","beat":"x","hash":{},"bye":1}',
    `{"later":true,"news":[{"id":1},${JSON.stringify(record("A"))}]}`,
  ];
  a.stream.send(framed(odd.map((text) => new TextEncoder().encode(text))));
  await eventually("the last is heard", () => two.heard.news.length > 0);
  assert.deepEqual(two.heard, { hellos: [], news: [record("A")], ends: [] });
});
