/**
 * What nodes tell each other, on the wire: what is understood, what is left out,
 * and what is refused.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  decodeMessages,
  decodeReplies,
  encodeMessages,
  encodeReplies,
  type FlightMessage,
  type FlightReply,
  type JoinMessage,
  MAX_BATCH_BYTES,
  MAX_MESSAGES,
  MAX_PEERS,
} from "../../src/flight/messages.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { random } from "../suites/random.ts";

const DIGEST = digestOf("layer");

const JOIN: JoinMessage = {
  kind: "join",
  digest: DIGEST,
  from: "10.0.0.1:5002",
  mayLead: true,
  peek: false,
  offset: 1 << 20,
  total: 100_000_000,
  holders: ["10.0.0.2:5002"],
  failed: ["10.0.0.3:5002", "[fd00::4]:5002"],
  stalled: "10.0.0.3:5002",
};

const PROGRESS: FlightMessage = {
  kind: "progress",
  digest: digestOf("other", "sha512"),
  from: "[fd00::1]:5002",
  parent: null,
  offset: 0,
  total: 0,
  flows: false,
  link: 0,
  best: 0,
};

const MESSAGES: readonly FlightMessage[] = [
  JOIN,
  { ...JOIN, mayLead: false, peek: true, holders: [], failed: [] },
  PROGRESS,
  { ...PROGRESS, flows: true },
  {
    ...PROGRESS,
    parent: "10.0.0.9:5002",
    offset: 5,
    total: 9,
    link: 7,
    best: 8,
  },
  { kind: "have", digest: DIGEST, from: "10.0.0.1:5002" },
  { kind: "gone", digest: DIGEST, from: "10.0.0.1:5002", corrupt: true },
  { kind: "gone", digest: DIGEST, from: "10.0.0.1:5002", corrupt: false },
];

const REPLIES: readonly FlightReply[] = [
  { kind: "lead" },
  { kind: "follow", peers: ["10.0.0.1:5002"] },
  { kind: "holders", peers: ["10.0.0.1:5002", "[fd00::4]:5002"] },
  { kind: "none" },
];

/** A batch of one message with some fields changed, as text. */
function batchWith(fields: Record<string, unknown>): string {
  return JSON.stringify({ v: 1, messages: [{ ...JOIN, ...fields }] });
}

Deno.test("decodeMessages() reads what encodeMessages() wrote", () => {
  assert.deepEqual(decodeMessages(encodeMessages(MESSAGES)), MESSAGES);
  assert.deepEqual(decodeMessages(encodeMessages([])), []);
});

Deno.test("decodeReplies() reads what encodeReplies() wrote", () => {
  assert.deepEqual(decodeReplies(encodeReplies(REPLIES)), REPLIES);
  assert.deepEqual(decodeReplies(encodeReplies([])), []);
});

Deno.test("decodeMessages() ignores fields that it does not know", () => {
  const text = JSON.stringify({
    v: 1,
    more: [1],
    messages: [{ ...JOIN, zone: "a", nested: { kind: "gone" } }],
  });
  assert.deepEqual(decodeMessages(text), [JOIN]);
});

Deno.test("decodeReplies() takes a reply of a kind that it does not know for none", () => {
  const replies = [{ kind: "redirect", peer: "10.0.0.1:5002" }, {}];
  assert.deepEqual(decodeReplies(JSON.stringify({ v: 1, replies })), [
    { kind: "none" },
    { kind: "none" },
  ]);
});

Deno.test("decodeReplies() takes a reply that names nobody for none", () => {
  for (const kind of ["follow", "holders"]) {
    const text = JSON.stringify({ v: 1, replies: [{ kind, peers: [] }] });
    assert.deepEqual(decodeReplies(text), [{ kind: "none" }]);
  }
});

Deno.test.each([
  ["no version", { messages: [JOIN], replies: REPLIES }],
  ["a later version", { v: 2, messages: [JOIN], replies: REPLIES }],
  ["a version as text", { v: "1", messages: [JOIN], replies: REPLIES }],
  ["no list", { v: 1 }],
  ["an object for a list", { v: 1, messages: {}, replies: {} }],
  ["a text for a list", { v: 1, messages: "[]", replies: "[]" }],
  ["an array", [1]],
  ["a text", "v"],
  ["a number", 1],
  ["null", null],
])("decodeMessages() and decodeReplies() refuse %s", (_name, value) => {
  const text = JSON.stringify(value);
  assert.throws(() => decodeMessages(text), TypeError);
  assert.throws(() => decodeReplies(text), TypeError);
});

Deno.test("decodeMessages() and decodeReplies() refuse what is no JSON", () => {
  for (const text of ["", "{", "\0", "undefined", '{"v":1,"messages":[']) {
    assert.throws(() => decodeMessages(text), SyntaxError);
    assert.throws(() => decodeReplies(text), SyntaxError);
  }
});

Deno.test.each<[string, Record<string, unknown>]>([
  ["an unknown kind", { kind: "leave" }],
  ["no kind", { kind: undefined }],
  ["a kind of Object's", { kind: "constructor" }],
  ["no digest", { digest: undefined }],
  ["a digest that is none", { digest: "sha256:ab" }],
  ["a digest in capitals", { digest: DIGEST.toUpperCase() }],
  ["a digest that is no text", { digest: [DIGEST] }],
  ["no sender", { from: undefined }],
  ["a sender that is too long", { from: "a".repeat(256) }],
  ["a sender that is no text", { from: 7 }],
  ["a holder that is no text", { holders: [null] }],
  ["a failed peer that is too long", { failed: ["a".repeat(256)] }],
  ["no parent", { kind: "progress", parent: undefined }],
  ["a parent that is no text", { kind: "progress", parent: {} }],
])("decodeMessages() refuses a batch with %s", (_name, fields) => {
  assert.throws(() => decodeMessages(batchWith(fields)), TypeError);
});

Deno.test("decodeMessages() refuses a message that is no object", () => {
  for (const message of [null, 1, "join", true, []]) {
    const text = JSON.stringify({ v: 1, messages: [JOIN, message] });
    assert.throws(() => decodeMessages(text), TypeError);
  }
});

Deno.test.each([
  ["negative", -1],
  ["a fraction", 0.5],
  ["too large", 2 ** 53],
  ["text", "5"],
  ["absent", undefined],
  ["a list", [5]],
])(
  "decodeMessages() takes a number of bytes that is %s for none",
  (_name, n) => {
    const [message] = decodeMessages(batchWith({ offset: n, total: n }));
    assert.deepEqual(message, { ...JOIN, offset: 0, total: 0 });
  },
);

Deno.test("decodeMessages() takes only true for true", () => {
  for (const value of [1, "true", {}, null]) {
    const [message] = decodeMessages(
      batchWith({ mayLead: value, peek: value }),
    );
    assert.deepEqual(message, { ...JOIN, mayLead: false });
  }
});

Deno.test("decodeMessages() takes a list of peers that is none for empty", () => {
  const [message] = decodeMessages(
    batchWith({ holders: "a", failed: { 0: 1 } }),
  );
  assert.deepEqual(message, { ...JOIN, holders: [], failed: [] });
});

Deno.test("decodeMessages() cuts lists off", () => {
  const many = Array.from({ length: 1_000 }, (_, n) => `10.0.0.1:${n}`);
  const [message] = decodeMessages(batchWith({ holders: many, failed: many }));
  assert.ok(message?.kind === "join");
  assert.deepEqual(message.holders, many.slice(0, MAX_PEERS));
  assert.deepEqual(message.failed, many.slice(0, MAX_PEERS));
  const batch = Array.from({ length: MAX_MESSAGES + 9 }, () => JOIN);
  assert.equal(decodeMessages(encodeMessages(batch)).length, MAX_MESSAGES);
  const replies = [{ kind: "follow", peers: many } as const];
  const [reply] = decodeReplies(encodeReplies(replies));
  assert.ok(reply?.kind === "follow");
  assert.equal(reply.peers.length, MAX_PEERS);
});

Deno.test("encodeMessages() makes no batch that is too long to be taken", () => {
  const peers = Array.from(
    { length: MAX_PEERS },
    () => "[2001:0db8:0000:0000:0000:ff00:0042:8329]:65535",
  );
  const [from = ""] = peers;
  const longest: JoinMessage = {
    ...JOIN,
    digest: digestOf("layer", "sha512"),
    from,
    offset: Number.MAX_SAFE_INTEGER,
    total: Number.MAX_SAFE_INTEGER,
    holders: peers,
    failed: peers,
  };
  const text = encodeMessages(
    Array.from({ length: MAX_MESSAGES }, () => longest),
  );
  assert.ok(text.length <= MAX_BATCH_BYTES, `${text.length} bytes`);
});

Deno.test("decodeMessages() bears deep nesting", () => {
  const deep = "[".repeat(100_000);
  assert.throws(() => decodeMessages(deep), SyntaxError);
  const closed = `${deep}${"]".repeat(100_000)}`;
  const batch = JSON.stringify({ v: 1, messages: [JOIN] });
  const nested = batch.replace('"holders"', `"deep":${closed},"holders"`);
  assert.deepEqual(decodeMessages(nested), [JOIN]);
});

Deno.test("decodeMessages() and decodeReplies() refuse damaged text and throw nothing else", () => {
  const numbers = random(11);
  const pieces = ["null", "[]", "{}", '"', ":", ",", "-1", "1e999", "\u2028"];
  const texts = [
    encodeMessages(MESSAGES),
    encodeReplies(REPLIES),
    '{"v":1,"messages":[{"__proto__":{"kind":"have"}}]}',
  ];
  for (let round = 0; round < 4_000; round++) {
    let text = texts[numbers.below(texts.length)] ?? "";
    for (let times = 1 + numbers.below(3); times > 0; times--) {
      const at = numbers.below(text.length);
      const piece = pieces[numbers.below(pieces.length)] ?? "";
      text = text.slice(0, at) + piece + text.slice(at + numbers.below(9));
    }
    for (const decode of [decodeMessages, decodeReplies]) {
      try {
        // What is understood can be told on, and is not longer than it was.
        const list = decode(text);
        assert.ok(list.length <= MAX_MESSAGES);
      } catch (error) {
        const known = error instanceof TypeError ||
          error instanceof SyntaxError;
        assert.ok(known, `${error} from ${text}`);
      }
    }
  }
});
