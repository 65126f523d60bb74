/** One write for all that is sent in one go. @module */

import assert from "node:assert/strict";
import type { MessageStream } from "@libp2p/interface";
import { wholeWrites } from "../../../src/routing/libp2p/whole_writes.ts";

/** A connection of js-libp2p, as far as it is written to. */
function fakeConnection(answers: boolean[] = []) {
  const written: string[] = [];
  const events = new EventTarget();
  const connection = Object.assign(events, {
    status: "open",
    sendData(pieces: Iterable<Uint8Array>) {
      const all = [...pieces];
      written.push(...all.map((piece) => new TextDecoder().decode(piece)));
      const sentBytes = all.reduce((sum, { length }) => sum + length, 0);
      return { sentBytes, canSendMore: answers.shift() ?? true };
    },
  });
  const protect = async () => {
    const same = connection as unknown as MessageStream;
    assert.equal(await wholeWrites(null).protect(same), same);
  };
  return { connection, written, protect };
}

const bytes = (...texts: string[]) =>
  texts.map((text) => new TextEncoder().encode(text));

Deno.test("wholeWrites() writes once what is sent in one go", async () => {
  const { connection, written, protect } = fakeConnection();
  await protect();
  const sent = connection.sendData(bytes("he", "l"));
  assert.deepEqual(sent, { sentBytes: 3, canSendMore: true });
  connection.sendData(bytes("lo"));
  assert.deepEqual(written, []);
  await Promise.resolve();
  connection.sendData(bytes("!"));
  await Promise.resolve();
  assert.deepEqual(written, ["hello", "!"]);
});

Deno.test("wholeWrites() tells of a socket that is full until it has drained", async () => {
  const { connection, protect } = fakeConnection([false]);
  await protect();
  connection.sendData(bytes("a"));
  await Promise.resolve();
  assert.ok(!connection.sendData(bytes("b")).canSendMore);
  await Promise.resolve();
  connection.dispatchEvent(new Event("drain"));
  assert.ok(connection.sendData(bytes("c")).canSendMore);
  await Promise.resolve();
});

Deno.test("wholeWrites() writes nothing to what was cut off meanwhile", async () => {
  const { connection, written, protect } = fakeConnection();
  await protect();
  connection.sendData(bytes("a"));
  connection.status = "aborted";
  await Promise.resolve();
  assert.deepEqual(written, []);
});

Deno.test("wholeWrites() lets another protector have the connection", async () => {
  const { connection } = fakeConnection();
  const same = connection as unknown as MessageStream;
  const asked: MessageStream[] = [];
  const next = {
    protect(stream: MessageStream) {
      asked.push(stream);
      return Promise.resolve(stream);
    },
  };
  await wholeWrites(next).protect(same);
  assert.deepEqual(asked, [same]);
});
