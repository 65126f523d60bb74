/**
 * Asking and answering over one kept stream.
 *
 * @module
 */

import assert from "node:assert/strict";
import { kadClient } from "../../../src/routing/libp2p/kad_client.ts";
import { encodeKad } from "../../../src/routing/libp2p/kad_message.ts";
import {
  type KadAnswers,
  serveKad,
} from "../../../src/routing/libp2p/kad_server.ts";
import { framed } from "../../../src/routing/libp2p/frames.ts";
import { kadKey } from "../../../src/routing/libp2p/position.ts";
import { eventually } from "../../suites/eventually.ts";
import { type FakeStream, streamPair } from "./fake_stream.ts";

const { signal } = new AbortController();
const PEER = { id: Uint8Array.of(1), addresses: [] };

/** A server, and a client that opens streams to it. */
function served() {
  const told: string[] = [];
  const streams: FakeStream[] = [];
  const answers: KadAnswers = {
    add: (key, sender) => told.push(`${sender} has ${key.at(-1)}`),
    remove: (key, sender) => told.push(`${sender} lost ${key.at(-1)}`),
    providers: (key) => [{ id: key.slice(-1), addresses: [] }],
    closest: () => [PEER],
  };
  const client = kadClient(() => {
    const [a, b] = streamPair();
    streams.push(a);
    serveKad(b.stream, "client", answers);
    return Promise.resolve(a.stream);
  });
  return { client, told, streams, answers };
}

function keyEnding(byte: number): Uint8Array {
  const key = kadKey("any");
  key[33] = byte;
  return key;
}

const question = (byte: number) =>
  encodeKad({ type: "getProviders", key: keyEnding(byte) });

Deno.test("kadClient() gives each question its own answer, over one stream", async () => {
  const { client, streams } = served();
  const bytes = Array.from({ length: 50 }, (_, i) => i);
  const answers = await Promise.all(
    bytes.map((byte) => client.ask(question(byte), signal)),
  );
  assert.deepEqual(
    answers.map(({ providers }) => providers[0]?.id[0]),
    bytes,
  );
  assert.deepEqual(answers[0]?.closer, [PEER]);
  assert.equal(streams.length, 1);
});

Deno.test("kadClient() keeps answers in order when whoever asked has gone", async () => {
  const { client } = served();
  const leaving = new AbortController();
  const gone = client.ask(question(1), leaving.signal);
  const stays = client.ask(question(2), signal);
  leaving.abort(new Error("gone"));
  await assert.rejects(gone, { message: "gone" });
  assert.equal((await stays).providers[0]?.id[0], 2);
});

Deno.test("kadClient() tells all, in order, and waits until it is taken", async () => {
  const { client, told } = served();
  const messages = Array.from({ length: 700 }, (_, i) =>
    encodeKad({
      type: i % 2 ? "removeProvider" : "addProvider",
      key: keyEnding(i % 251),
    }));
  await client.tell(
    [messages.slice(0, 300), messages.slice(300)],
    signal,
  );
  assert.equal(told.length, 700);
  assert.deepEqual(told.slice(0, 3), [
    "client has 0",
    "client lost 1",
    "client has 2",
  ]);
});

Deno.test("kadClient() opens another stream after one broke", async () => {
  const { answers } = served();
  const streams: FakeStream[] = [];
  const client = kadClient(() => {
    const [a, b] = streamPair();
    // The first one does not answer.
    if (streams.push(a) > 1) serveKad(b.stream, "client", answers);
    return Promise.resolve(a.stream);
  });
  const asked = client.ask(question(2), signal);
  await eventually("it is asked", () => streams[0]?.sent.length === 1);
  streams[0]?.break();
  await assert.rejects(asked, {
    message: "Cannot ask a peer: its stream has ended",
  });
  assert.equal((await client.ask(question(3), signal)).providers[0]?.id[0], 3);
  assert.equal(streams.length, 2);
});

Deno.test("kadClient() tries again after a stream could not be opened", async () => {
  let tries = 0;
  const client = kadClient(() => {
    tries++;
    return Promise.reject(new Error("no stream"));
  });
  await assert.rejects(client.ask(question(1), signal), {
    message: "no stream",
  });
  await assert.rejects(client.tell([], signal), { message: "no stream" });
  assert.equal(tries, 2);
});

Deno.test("kadClient() hangs up on who answers what was not asked", async () => {
  const [a, b] = streamPair();
  const client = kadClient(() => Promise.resolve(a.stream));
  const asked = client.ask(question(1), signal);
  await eventually("it is asked", () => a.sent.length === 1);
  b.stream.send(framed([encodeKad({ type: "ping", key: keyEnding(1) })]));
  await asked;
  b.stream.send(framed([encodeKad({ type: "ping", key: keyEnding(1) })]));
  await eventually("it hung up", () => a.stream.status !== "open");
});

Deno.test("kadClient() refuses questions to a peer that answers none of 1,024", async () => {
  const [a] = streamPair();
  const client = kadClient(() => Promise.resolve(a.stream));
  const end = new AbortController();
  const asked = Array.from(
    { length: 1_024 },
    () => client.ask(question(1), end.signal),
  );
  await assert.rejects(client.ask(question(1), signal), {
    message: "Cannot ask a peer: it has not answered for long",
  });
  end.abort(new Error("enough"));
  for (const { status } of await Promise.allSettled(asked)) {
    assert.equal(status, "rejected");
  }
});

Deno.test.each([
  { name: "an unknown type", bytes: Uint8Array.of(8, 1) },
  { name: "no message", bytes: Uint8Array.of(0xff) },
  {
    name: "a key that is none",
    bytes: encodeKad({ type: "addProvider", key: Uint8Array.of(1) }),
  },
])(
  "serveKad() hangs up on $name, and takes nothing behind it",
  async ({ bytes }) => {
    const [a, b] = streamPair();
    const taken: unknown[] = [];
    serveKad(b.stream, "client", {
      add: (key) => taken.push(key),
      remove: (key) => taken.push(key),
      providers: () => [],
      closest: () => [],
    });
    const good = encodeKad({ type: "addProvider", key: keyEnding(1) });
    a.stream.send(framed([bytes, good]));
    await eventually("it hung up", () => a.stream.status !== "open");
    assert.deepEqual(taken, []);
  },
);

Deno.test("serveKad() names the nearest of any id, as Kademlia's walks ask", async () => {
  const { client } = served();
  const asked = encodeKad({ type: "findNode", key: Uint8Array.of(1, 2, 3) });
  const { closer, providers } = await client.ask(asked, signal);
  assert.deepEqual([closer, providers], [[PEER], []]);
});
