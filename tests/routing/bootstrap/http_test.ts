/**
 * `/id`: what a node says, and what another one makes of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  httpBootstrap,
  idHandler,
} from "../../../src/routing/bootstrap/http.ts";

const { signal } = new AbortController();
const ID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
const ADDRESS = "/ip4/10.0.0.1/tcp/5001";

/** Asks a server that gives this answer. */
async function find(
  answer: () => Response,
  path = "",
): Promise<readonly string[]> {
  const asked: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ method, url }) => {
      asked.push(`${method} ${new URL(url).pathname}`);
      return answer();
    },
  );
  const peer = `http://127.0.0.1:${server.addr.port}${path}`;
  try {
    return await httpBootstrap({ peer }).find(signal);
  } finally {
    assert.deepEqual(asked, ["GET /id"]);
  }
}

Deno.test("httpBootstrap() learns what idHandler() says", async () => {
  const addresses = [ADDRESS, `/ip6/fd00::1/tcp/5001/p2p/${ID}`];
  const found = await find(idHandler(() => ({ id: ID, addresses })));
  assert.deepEqual(found, [
    `${ADDRESS}/p2p/${ID}`,
    `/ip6/fd00::1/tcp/5001/p2p/${ID}`,
  ]);
});

Deno.test("httpBootstrap() takes a URL with a slash at its end", async () => {
  const handler = idHandler(() => ({ id: ID, addresses: [ADDRESS] }));
  assert.deepEqual(await find(handler, "/"), [`${ADDRESS}/p2p/${ID}`]);
});

Deno.test("idHandler() keeps loopback to itself, unless it is all there is", async () => {
  const loopback = ["/ip4/127.0.0.1/tcp/5001", "/ip6/::1/tcp/5001"];
  const say = (addresses: readonly string[]) =>
    idHandler(() => ({ id: ID, addresses }))().json();
  assert.deepEqual(await say([...loopback, ADDRESS]), {
    ID,
    Addrs: [ADDRESS],
  });
  assert.deepEqual(await say(loopback), { ID, Addrs: loopback });
});

Deno.test("idHandler() says nothing before it knows where it is", () => {
  assert.equal(idHandler(() => ({ id: ID, addresses: [] }))().status, 503);
});

Deno.test("httpBootstrap() takes a list, an absent id, and leaves out what it cannot use", async () => {
  const list = [
    { ID, Addrs: [ADDRESS, "/ip4/10.0.0.1/udp/5001/quic-v1", 5, null] },
    { ID: "", Addrs: ["/ip4/10.0.0.2/tcp/5001"] },
    { Addrs: ["/dns/peer.example/tcp/5001", ADDRESS] },
    { ID },
    null,
    "x",
  ];
  assert.deepEqual(await find(() => Response.json(list)), [
    `${ADDRESS}/p2p/${ID}`,
    "/ip4/10.0.0.2/tcp/5001",
    "/dns/peer.example/tcp/5001",
    ADDRESS,
  ]);
});

Deno.test.each([
  { what: "no JSON", body: "hello", status: 200 },
  { what: "null", body: "null", status: 200 },
  { what: "no address", body: `{"ID":"${ID}","Addrs":[]}`, status: 200 },
  { what: "no end", body: "x".repeat(600_000), status: 200 },
  { what: "an error", body: `{"ID":"${ID}"}`, status: 500 },
])("httpBootstrap() fails at $what", async ({ body, status }) => {
  await assert.rejects(
    find(() => new Response(body, { status })),
    /^Error: Cannot (?:read what|ask) http:\/\/127\.0\.0\.1:[0-9]+\/id/,
  );
});
