/**
 * A listener that is there before what answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type EarlyListener,
  type EarlyOptions,
  listenEarly,
} from "../src/listen.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

function early(options: EarlyOptions = {}): EarlyListener {
  return listenEarly("--test-addr", ANY, options);
}

async function get({ address }: EarlyListener, path: string) {
  const answer = await fetch(`http://${address}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** Answers with the path that was asked for. */
const byPath = ({ url }: Request) =>
  Promise.resolve(new Response(new URL(url).pathname));

const NOT_YET = {
  status: 503,
  text: '{"errors":[{"code":"UNAVAILABLE",' +
    '"message":"this node is still starting"}]}',
};

Deno.test("listenEarly() lets requests wait for who answers them", async () => {
  await using listener = early();
  const waiting = Promise.all(["/a", "/b"].map((path) => get(listener, path)));
  // Nobody may have asked yet: that is no matter, either.
  await fetch(`http://${listener.address}`, { signal: AbortSignal.timeout(20) })
    .catch(() => {});
  listener.answerBy(byPath);
  const texts = (await waiting).map(({ text }) => text);
  assert.deepEqual(texts, ["/a", "/b"]);
  assert.deepEqual(await get(listener, "/c"), { status: 200, text: "/c" });
});

Deno.test("listenEarly() tells that nobody answers when the time is up, and then at once", async () => {
  await using listener = early({ startMs: 10 });
  assert.deepEqual(await get(listener, "/a"), NOT_YET);
  assert.ok(performance.now() >= listener.until);
  assert.deepEqual(await get(listener, "/b"), NOT_YET);
  listener.answerBy(byPath);
  assert.equal((await get(listener, "/c")).text, "/c");
});

Deno.test("listenEarly() lets no more wait than it may", async () => {
  await using listener = early({ maxWaiting: 2 });
  const all = ["/a", "/b", "/c"].map((path) => get(listener, path));
  assert.deepEqual(await Promise.race(all), NOT_YET);
  listener.answerBy(byPath);
  const told = (await Promise.all(all)).map(({ status }) => status);
  assert.deepEqual(told.toSorted(), [200, 200, 503]);
});

Deno.test("listenEarly() ends while requests wait, and may be ended twice", async () => {
  const listener = early({ maxWaiting: 1 });
  const all = ["/a", "/b"].map((path) => get(listener, path));
  await Promise.race(all); // The other one waits.
  await listener[Symbol.asyncDispose]();
  await listener[Symbol.asyncDispose]();
  assert.deepEqual(await Promise.all(all), [NOT_YET, NOT_YET]);
});
