/** Asking who is at a peer's address. @module */

import assert from "node:assert/strict";
import { StrangerError } from "../../src/routing/peer_fetch.ts";
import { asksWho } from "../../src/doctor/peers.ts";

const { signal: NEVER } = new AbortController();
const NOON = Date.UTC(2026, 5, 1, 12);

Deno.test.each([
  {
    name: "a Peili and its clock",
    response: Response.json({ id: "a" }, {
      headers: { date: new Date(NOON).toUTCString() },
    }),
    expected: { kind: "peer", id: "a", date: NOON },
  },
  {
    name: "a Peili without a clock",
    response: Response.json({ id: "a" }),
    expected: { kind: "peer", id: "a", date: null },
  },
  {
    name: "something else",
    response: new Response("<html>"),
    expected: { kind: "other" },
  },
  {
    name: "what is too long to be an identity",
    response: Response.json({ id: "a".repeat(2_000) }),
    expected: { kind: "other" },
  },
  {
    name: "one who refuses this node",
    response: Response.json(
      { errors: [{ code: "UNAUTHORIZED", message: "not of us: no proof" }] },
      { status: 401, headers: { date: new Date(NOON).toUTCString() } },
    ),
    expected: { kind: "stranger", another: "secret", date: NOON },
  },
  {
    name: "one of another network",
    response: new Response("not of us: another network", { status: 401 }),
    expected: { kind: "stranger", another: "network", date: null },
  },
  {
    name: "one of another time of day",
    response: new Response("not of us: early proof", { status: 401 }),
    expected: { kind: "stranger", another: "time", date: null },
  },
  {
    name: "another program that refuses this node",
    response: new Response("Password?", { status: 401 }),
    expected: { kind: "other" },
  },
])("asksWho() knows $name", async ({ response, expected }) => {
  const asked: string[] = [];
  const ask = (url: string) => {
    asked.push(url);
    return Promise.resolve(response);
  };
  const deps = { ask, fetcher: () => Promise.reject(new TypeError("no")) };
  assert.deepEqual(await asksWho("10.0.0.2:5002", deps, NEVER), expected);
  assert.deepEqual(asked, ["http://10.0.0.2:5002/peili/v1/peer"]);
});

Deno.test.each([
  {
    name: "a Peili without a secret",
    text: '{"id":"a"}',
    expected: { kind: "stranger", another: "secret", date: null },
  },
  { name: "another program", text: "<html>", expected: { kind: "other" } },
])("asksWho() tells $name by what it says without proof", async (row) => {
  const ask = () => Promise.reject(new StrangerError("no proof"));
  const fetcher = () => Promise.resolve(new Response(row.text));
  const who = await asksWho("10.0.0.2:5002", { ask, fetcher }, NEVER);
  assert.deepEqual(who, row.expected);
});

Deno.test("asksWho() knows that nobody is there", async () => {
  const ask = () => Promise.reject(new TypeError("refused"));
  const who = await asksWho("10.0.0.2:5002", { ask, fetcher: ask }, NEVER);
  assert.deepEqual(who, { kind: "nobody" });
});

Deno.test("asksWho() knows that what is sent is dropped", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${silent.addr.port}`;
  const who = await asksWho(address, { ask: fetch, fetcher: fetch }, NEVER);
  assert.deepEqual(who, { kind: "silent" });
});
