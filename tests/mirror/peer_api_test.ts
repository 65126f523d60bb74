/**
 * What a node tells other Peilis of itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type FlightMessage,
  type FlightReply,
  MAX_BATCH_BYTES,
} from "../../src/flight/messages.ts";
import { holdsIn, peerApi } from "../../src/mirror/peer_api.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { routes } from "../../src/registry/routes.ts";
import { holdsPath, PEER_PATH } from "../../src/routing/peer_paths.ts";
import {
  ABSENT,
  BLOB_DIGEST,
  filledStore,
  MANIFEST_DIGEST,
  TAGGED,
} from "../registry/contents.ts";
import { type Listener as Asked, listener } from "../registry/listener.ts";

const { signal } = new AbortController();

const KEYS: { key: string; held: boolean }[] = [
  { key: BLOB_DIGEST, held: true },
  { key: MANIFEST_DIGEST, held: true },
  { key: TAGGED, held: true },
  { key: ABSENT, held: false },
  { key: digestOf("x", "sha512"), held: false },
  { key: "docker.io/library/app:v2", held: false },
  { key: "docker.io/library/app", held: false },
  { key: `docker.io/library/app@${MANIFEST_DIGEST}`, held: false },
  { key: "sha256:12", held: false },
  { key: "", held: false },
  { key: "../../etc/passwd", held: false },
];

Deno.test.each(KEYS)("holdsIn() says $held of '$key'", async (row) => {
  const holds = holdsIn(filledStore());
  assert.equal(await holds(row.key, signal), row.held);
});

Deno.test.each(KEYS)("peerApi() says $held of '$key'", async (row) => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const asked = listener("peer", routes(api));
  const answer = await asked.ask("HEAD", holdsPath(row.key));
  assert.equal(answer.status, row.held ? 200 : 404);
  assert.equal(answer.body, null);
});

Deno.test("peerApi() says who it is", async () => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const answer = await listener("peer", routes(api)).ask("GET", PEER_PATH);
  assert.deepEqual(await answer.json(), { id: "me" });
});

Deno.test("peerApi() refuses a key with a broken escape", async () => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const asked = listener("peer", routes(api));
  const answer = await asked.ask("HEAD", "/peili/v1/holds/%E0%A4%A");
  assert.equal(answer.status, 404);
});

const FLIGHTS = "/peili/v1/flights";

/** A message as a peer writes it. */
const have = (from: string) => ({ kind: "have", digest: BLOB_DIGEST, from });

/** A batch as a peer writes it. */
const batch = (...messages: readonly unknown[]) =>
  JSON.stringify({ v: 1, messages });

/** A listener that is home, and what it was told. */
function home(
  reply: (message: FlightMessage) => FlightReply = () => ({ kind: "none" }),
): { told: FlightMessage[]; post(body: BodyInit): Promise<Response> } & Asked {
  const told: FlightMessage[] = [];
  const api = peerApi({ id: "me" }, holdsIn(filledStore()), (messages) => {
    told.push(...messages);
    return messages.map(reply);
  });
  const asked = listener("peer", routes(api));
  return {
    told,
    ...asked,
    post: (body) => asked.ask("POST", FLIGHTS, { body }),
  };
}

Deno.test("peerApi() answers a batch of flight messages in order", async () => {
  const { post, told, log } = home(({ from }) => ({
    kind: "holders",
    peers: [`for ${from}`],
  }));
  const answer = await post(batch(have("a:1"), have("b:1"), have("c:1")));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("Content-Type"), "application/json");
  assert.deepEqual(await answer.json(), {
    v: 1,
    replies: ["a:1", "b:1", "c:1"].map((from) => ({
      kind: "holders",
      peers: [`for ${from}`],
    })),
  });
  assert.deepEqual(told.map(({ from }) => from), ["a:1", "b:1", "c:1"]);
  const line = await log.line("request");
  // Every node tells every second.
  assert.deepEqual([line.handler, line.level], ["flights", "debug"]);
});

Deno.test("peerApi() answers no message with no reply", async () => {
  const answer = await home().post(batch());
  assert.deepEqual(await answer.json(), { v: 1, replies: [] });
});

Deno.test.each(["GET", "HEAD", "PUT", "DELETE", "PATCH"])(
  "peerApi() does not take flight messages by %s",
  async (method) => {
    const { told, ask } = home();
    const answer = await ask(method, FLIGHTS);
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("Allow"), "POST");
    await answer.body?.cancel();
    assert.deepEqual(told, []);
  },
);

const MALFORMED: { name: string; body: string }[] = [
  { name: "nothing", body: "" },
  { name: "no JSON", body: "{" },
  { name: "no batch", body: "null" },
  { name: "a list", body: "[]" },
  { name: "another version", body: `{"v":2,"messages":[]}` },
  { name: "no version", body: `{"messages":[]}` },
  { name: "messages that are no list", body: `{"v":1,"messages":{}}` },
  { name: "a message that is none", body: batch(null) },
  { name: "a good and a bad one", body: batch(have("a:1"), { kind: "have" }) },
  { name: "an unknown kind", body: batch({ ...have("a:1"), kind: "hello" }) },
  { name: "a digest that is none", body: batch({ ...have("a"), digest: "x" }) },
  { name: "an endless name", body: batch(have("a".repeat(256))) },
];

Deno.test.each(MALFORMED)(
  "peerApi() refuses flight messages that are $name",
  async ({ body }) => {
    const { post, told, log } = home();
    const answer = await post(body);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /malformed flight messages/);
    assert.deepEqual(told, []);
    // What others say is no fault of this node.
    const levels = log.lines.map(({ level }) => level);
    assert.ok(!levels.includes("error"), levels.join());
  },
);

Deno.test("peerApi() reads a batch of the largest size and no byte more", async () => {
  const text = batch(have("a:1"));
  const { post, told } = home();
  const largest = await post(text.padEnd(MAX_BATCH_BYTES));
  assert.equal(largest.status, 200);
  await largest.body?.cancel();
  const larger = await post(text.padEnd(MAX_BATCH_BYTES + 1));
  assert.equal(larger.status, 413);
  assert.match(await larger.text(), /too many flight messages/);
  assert.equal(told.length, 1);
});

Deno.test("peerApi() stops reading a batch that does not end", async () => {
  const left = Promise.withResolvers<void>();
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(64 << 10)),
    cancel: () => left.resolve(),
  });
  const answer = await home().post(endless);
  assert.equal(answer.status, 413);
  await answer.body?.cancel();
  await left.promise;
});

Deno.test("peerApi() reads text that comes in pieces", async () => {
  const bytes = new TextEncoder().encode(batch(have("ä:1")));
  const pieces = ReadableStream.from(
    Array.from(bytes, (_, index) => bytes.slice(index, index + 1)),
  );
  const { post, told } = home();
  await (await post(pieces)).body?.cancel();
  assert.deepEqual(told.map(({ from }) => from), ["ä:1"]);
});

Deno.test("peerApi() is no home where nobody answers for flights", async () => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const asked = listener("peer", routes(api));
  const answer = await asked.ask("POST", FLIGHTS, { body: batch() });
  assert.equal(answer.status, 404);
  await answer.body?.cancel();
});
