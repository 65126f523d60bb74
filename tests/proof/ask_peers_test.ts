/**
 * The door to peers: what a request carries, and who is believed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { askPeers } from "../../src/proof/ask_peers.ts";
import { type Deployment, deployment } from "../../src/proof/deployment.ts";
import { secretKeys } from "../../src/proof/secret.ts";
import { recordedLog } from "../recorded.ts";

const URL_ASKED = "http://10.0.0.1:5002/peili/v1/holds/a%2Fb:v1?x=y";

const WITHOUT = deployment({ network: "peili" });
const OURS = withSecret("a secret");
const THEIRS = withSecret("another one");

function withSecret(secret: string): Deployment {
  return deployment({ network: "peili", keys: secretKeys(secret, "peili") });
}

/** A peer that answers as a deployment's node does, and what it was asked. */
function peerOf(theirs: Deployment, status = 200) {
  const asked: { request: Request; init: RequestInit }[] = [];
  const fetcher: typeof fetch = (input, init = {}) => {
    const request = new Request(input, init);
    asked.push({ request, init });
    const asker = theirs.admit(request);
    const answer = asker.kind === "member"
      ? new Response("hi", {
        status,
        headers: asker.answer({ status, digest: null }),
      })
      : new Response("no", { status: 401 });
    return Promise.resolve(answer);
  };
  return { asked, fetcher };
}

Deno.test("askPeers() asks so that a peer of its deployment answers", async () => {
  for (const ours of [WITHOUT, OURS]) {
    const { asked, fetcher } = peerOf(ours, 404);
    const log = recordedLog();
    const ask = askPeers(ours, { log, fetcher });
    for (const method of ["GET", "HEAD", "POST"]) {
      const body = method === "POST" ? { body: "[]" } : {};
      const answer = await ask(URL_ASKED, { method, ...body });
      assert.equal(answer.status, 404);
      await answer.body?.cancel();
    }
    assert.deepEqual(asked.map(({ request }) => request.url), [
      URL_ASKED,
      URL_ASKED,
      URL_ASKED,
    ]);
    assert.deepEqual(log.lines, []);
  }
});

Deno.test("askPeers() passes on no credentials, and follows nobody elsewhere", async () => {
  const { asked, fetcher } = peerOf(OURS);
  const ask = askPeers(OURS, { log: recordedLog(), fetcher });
  const secrets = {
    Authorization: "Basic c2VjcmV0",
    "Proxy-Authorization": "Basic c2VjcmV0",
    Cookie: "secret",
  };
  const headers = { ...secrets, Accept: "text/plain", Range: "bytes=1-" };
  await (await ask(URL_ASKED, { headers })).body?.cancel();
  const [{ request, init } = assert.fail("nobody was asked")] = asked;
  for (const name of Object.keys(secrets)) {
    assert.equal(request.headers.get(name), null);
  }
  assert.equal(request.headers.get("Accept"), "text/plain");
  assert.equal(request.headers.get("Range"), "bytes=1-");
  assert.equal(init.redirect, "manual");
});

Deno.test("askPeers() passes on the signal", async () => {
  const ask = askPeers(OURS, {
    log: recordedLog(),
    fetcher: (_input, init) => Promise.reject(init?.signal?.reason),
  });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(ask(URL_ASKED, { signal }), { message: "enough" });
});

Deno.test("askPeers() believes nobody who does not know the secret", async () => {
  const log = recordedLog();
  const ended = Promise.withResolvers<void>();
  const body = new ReadableStream({ cancel: () => ended.resolve() });
  const ask = askPeers(OURS, {
    log,
    fetcher: () => Promise.resolve(new Response(body)),
  });
  await assert.rejects(ask(URL_ASKED, {}), {
    message: "Cannot trust 10.0.0.1:5002: it does not know the secret",
  });
  await ended.promise;
  const { peer, hint } = await log.line("peer does not know the secret");
  assert.equal(peer, "10.0.0.1:5002");
  assert.match(String(hint), /--secret-file/);
});

Deno.test("askPeers() gives a refusal back, and says so once", async () => {
  const log = recordedLog();
  const { fetcher } = peerOf(THEIRS);
  const ask = askPeers(OURS, { log, fetcher });
  for (let i = 0; i < 3; i++) {
    const answer = await ask(URL_ASKED, {});
    assert.equal(answer.status, 401);
    await answer.body?.cancel();
  }
  assert.deepEqual(
    log.lines.map(({ level, msg, peer }) => [level, msg, peer]),
    [
      ["warn", "peer refuses this node", "10.0.0.1:5002"],
    ],
  );
});

Deno.test("askPeers() takes a fault for what it is", async () => {
  const log = recordedLog();
  const ask = askPeers(OURS, {
    log,
    fetcher: () => Promise.resolve(new Response(null, { status: 503 })),
  });
  assert.equal((await ask(URL_ASKED, {})).status, 503);
  assert.deepEqual(log.lines, []);
});
