/**
 * Who belongs to a deployment: with a secret, and without.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Deployment,
  deployment,
  type Member,
  type Stranger,
} from "../../src/proof/deployment.ts";
import { secretKeys } from "../../src/proof/secret.ts";

const BASE = "http://10.0.0.1:5002";
const PATH = "/v2/library/app/manifests/v1?ns=docker.io";

/** A deployment with a secret; the empty one has none. */
function having(secret: string, network = "peili", now?: () => number) {
  const keys = secret === "" ? null : secretKeys(secret, network);
  return deployment({ network, keys, ...(now ? { now } : {}) });
}

/** The request that a node of a deployment makes. */
function requestOf(by: Deployment, method = "GET", body?: string): Request {
  const { headers } = by.ask({ method, target: PATH, body: body ?? "" });
  const sent = body === undefined ? {} : { body };
  return new Request(BASE + PATH, { method, headers, ...sent });
}

function member(answer: Member | Stranger): Member {
  assert.ok(answer.kind === "member", JSON.stringify(answer));
  return answer;
}

const WITH = [{ secret: "" }, { secret: "a secret" }];

Deno.test.each(WITH)('deployment() of "$secret" admits its own', (row) => {
  const ours = having(row.secret);
  const request = requestOf(ours);
  assert.equal(member(ours.admit(request)).request, request);
});

Deno.test.each(WITH)(
  'deployment() of "$secret" trusts its own answers',
  (row) => {
    const ours = having(row.secret);
    const asked = ours.ask({ method: "GET", target: PATH, body: "" });
    const request = new Request(BASE + PATH, { headers: asked.headers });
    const headers = member(ours.admit(request)).answer({
      status: 404,
      digest: null,
    });
    assert.ok(asked.trusts(new Response(null, { status: 404, headers })));
  },
);

Deno.test.each(WITH)(
  'deployment() of "$secret" refuses another network',
  (row) => {
    const request = requestOf(having(row.secret, "other"));
    assert.deepEqual(having(row.secret).admit(request), {
      kind: "stranger",
      reason: "another network",
      network: "other",
    });
  },
);

Deno.test("deployment() without a secret answers a person with curl", () => {
  member(having("").admit(new Request(BASE + PATH)));
});

Deno.test("deployment() with a secret refuses all others and says why", () => {
  const ours = having("a secret");
  const reasonOf = (request: Request) => {
    const verdict = ours.admit(request);
    assert.ok(verdict.kind === "stranger");
    return verdict.reason;
  };
  assert.equal(reasonOf(new Request(BASE + PATH)), "no proof");
  assert.equal(reasonOf(requestOf(having(""))), "no proof");
  assert.equal(reasonOf(requestOf(having("other"))), "wrong proof");
  const moved = new Request(`${BASE}/v2/`, requestOf(ours));
  assert.equal(reasonOf(moved), "wrong proof");
  const slow = having("a secret", "peili", () => Date.now() - 100_000);
  assert.equal(reasonOf(requestOf(slow)), "old proof");
});

Deno.test("deployment() with a secret trusts nobody who does not know it", () => {
  const asked = having("a secret").ask({
    method: "GET",
    target: PATH,
    body: "",
  });
  const request = new Request(BASE + PATH, { headers: asked.headers });
  const answers = [
    {},
    member(having("").admit(request)).answer({ status: 200, digest: null }),
    {
      "Peili-Proof": "1",
    },
  ];
  for (const headers of answers) {
    assert.ok(!asked.trusts(new Response(null, { headers })));
  }
});

Deno.test("deployment() with a secret binds an answer to its digest", () => {
  const ours = having("a secret");
  const asked = ours.ask({ method: "GET", target: PATH, body: "" });
  const request = new Request(BASE + PATH, { headers: asked.headers });
  const digest = `sha256:${"a".repeat(64)}`;
  const proof = member(ours.admit(request)).answer({ status: 200, digest });
  const answer = (digest: string) =>
    new Response(null, {
      headers: { ...proof, "Docker-Content-Digest": digest },
    });
  assert.ok(asked.trusts(answer(digest)));
  assert.ok(!asked.trusts(answer(digest.replaceAll("a", "b"))));
});

Deno.test("deployment() with a secret hands on a body that was signed", async () => {
  const ours = having("a secret");
  const long = "x".repeat(200_000);
  for (const body of ["[]", "", long]) {
    const { request } = member(ours.admit(requestOf(ours, "POST", body)));
    assert.equal(await request.text(), body);
    assert.equal(request.method, "POST");
  }
});

Deno.test("deployment() with a secret breaks a body that was not", async () => {
  const ours = having("a secret");
  const { headers } = ours.ask({ method: "POST", target: PATH, body: "[1]" });
  for (const body of ["[2]", "[1] ", "[1", undefined]) {
    const sent = body === undefined ? {} : { body };
    const forged = new Request(BASE + PATH, {
      method: "POST",
      headers,
      ...sent,
    });
    await assert.rejects(member(ours.admit(forged)).request.text(), {
      message: "another body than was signed",
    });
  }
});

Deno.test("deployment() with a secret ends a body that nobody reads", async () => {
  const ours = having("a secret");
  const cancelled = Promise.withResolvers<unknown>();
  const body = new ReadableStream({
    cancel: (reason) => cancelled.resolve(reason),
  });
  const { headers } = ours.ask({ method: "POST", target: PATH, body: "" });
  const request = new Request(BASE + PATH, { method: "POST", headers, body });
  await member(ours.admit(request)).request.body?.cancel("enough");
  assert.equal(await cancelled.promise, "enough");
});

Deno.test("deployment() has a key for the swarm when it has a secret", () => {
  assert.equal(having("").swarmKey, null);
  assert.equal(having("a secret").swarmKey?.length, 32);
});
