/**
 * The guard before the peer listener: handlers under it, and over a socket.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NO_METRICS } from "../../src/metrics/metrics.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { askPeers } from "../../src/proof/ask_peers.ts";
import { type Deployment, deployment } from "../../src/proof/deployment.ts";
import { secretKeys } from "../../src/proof/secret.ts";
import type { Handler } from "../../src/registry/exchange.ts";
import { membersOnly } from "../../src/registry/members.ts";
import { observed } from "../../src/registry/observe.ts";
import { recordedLog } from "../recorded.ts";
import { connect, sendAll } from "../wire/raw_client.ts";

const OURS = withSecret("a secret");
const THEIRS = withSecret("another one");

function withSecret(secret: string): Deployment {
  return deployment({ network: "peili", keys: secretKeys(secret, "peili") });
}

/** A peer listener of our deployment, and what reached its handler. */
function guarded(answer: Handler) {
  const log = recordedLog();
  const reached: string[] = [];
  const handler: Handler = (request, exchange) => {
    reached.push(request.url);
    return answer(request, exchange);
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    observed("peer", membersOnly(handler, { deployment: OURS, log }), {
      log,
      metrics: NO_METRICS,
    }),
  );
  const address = `127.0.0.1:${server.addr.port}`;
  return {
    address,
    log,
    reached,
    ask: (by: Deployment, init: RequestInit & { body?: string } = {}) =>
      askPeers(by, { log: recordedLog() })(`http://${address}/x?y=z`, {
        ...init,
        headers: {},
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("membersOnly() lets the deployment's nodes in, and proves itself", async () => {
  await using peer = guarded(async (request) => {
    const text = await request.text();
    return new Response(text, { headers: { "Docker-Content-Digest": "a:b" } });
  });
  const answer = await peer.ask(OURS, { method: "POST", body: "hello" });
  assert.deepEqual([answer.status, await answer.text()], [200, "hello"]);
  assert.deepEqual(peer.log.lines.map(({ msg }) => msg), ["request"]);
});

Deno.test("membersOnly() proves a no, too", async () => {
  await using peer = guarded(() => {
    throw new RegistryError("BLOB_UNKNOWN", "not here");
  });
  const answer = await peer.ask(OURS);
  await answer.body?.cancel();
  assert.equal(answer.status, 404);
});

Deno.test("membersOnly() refuses strangers before anything is asked", async () => {
  await using peer = guarded(() => new Response("secret"));
  const strangers = [
    { by: THEIRS, reason: "wrong proof" },
    { by: deployment({ network: "peili" }), reason: "no proof" },
    { by: deployment({ network: "x" }), reason: "another network" },
  ];
  for (const { by, reason } of strangers) {
    const answer = await peer.ask(by);
    assert.equal(answer.status, 401);
    assert.equal(
      await answer.text(),
      `{"errors":[{"code":"UNAUTHORIZED","message":"not of us: ${reason}"}]}`,
    );
    // A challenge would make clients ask people for a password.
    assert.equal(answer.headers.get("WWW-Authenticate"), null);
  }
  assert.deepEqual(peer.reached, []);
});

Deno.test("membersOnly() says why, once for each reason", async () => {
  await using peer = guarded(() => new Response("secret"));
  for (let i = 0; i < 3; i++) {
    for (const by of [THEIRS, deployment({ network: "peili" })]) {
      await (await peer.ask(by)).body?.cancel();
    }
  }
  const lines = peer.log.lines.filter(({ level }) => level !== "debug");
  assert.deepEqual(
    lines.map(({ level, msg, ip, reason }) => [level, msg, ip, reason]),
    [
      ["warn", "stranger refused", "127.0.0.1", "wrong proof"],
      ["warn", "stranger refused", "127.0.0.1", "no proof"],
    ],
  );
  const requests = peer.log.lines.filter(({ msg }) => msg === "request");
  assert.equal(requests.length, 6);
  assert.deepEqual(requests[0]?.error, "not of us: wrong proof");
});

Deno.test("membersOnly() does not wait for a stranger's body", async () => {
  await using peer = guarded(() => new Response("secret"));
  // It announces a gigabyte, sends nothing of it, and waits for the answer.
  using stranger = await connect(peer.address);
  await sendAll(
    stranger,
    "POST /peili/v1/flights HTTP/1.1\r\nHost: x\r\n" +
      "Content-Length: 1000000000\r\n\r\n",
  );
  const head = new Uint8Array(100);
  await stranger.read(head);
  assert.match(new TextDecoder().decode(head), /^HTTP\/1\.1 401 /);
  assert.deepEqual(peer.reached, []);
});

Deno.test("membersOnly() hides a fault, and refuses a forged body", async () => {
  await using peer = guarded(async (request) => {
    await request.text();
    throw new Error("disk on fire");
  });
  const fault = await peer.ask(OURS, { method: "POST", body: "hello" });
  assert.equal(fault.status, 503);
  await fault.body?.cancel();
  const { headers } = OURS.ask({ method: "POST", target: "/x", body: "hello" });
  const forged = await fetch(`http://${peer.address}/x`, {
    method: "POST",
    headers,
    body: "hullo",
  });
  assert.equal(forged.status, 401);
  await forged.body?.cancel();
});
