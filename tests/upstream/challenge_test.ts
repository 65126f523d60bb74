/**
 * WWW-Authenticate headers as registries write them, and as nobody should.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Challenge,
  parseChallenges,
} from "../../src/upstream/challenge.ts";

const READ: { header: string | null; challenges: Challenge[] }[] = [
  { header: null, challenges: [] },
  { header: "", challenges: [] },
  { header: "Basic", challenges: [{ scheme: "basic", parameters: {} }] },
  {
    header: 'Basic realm="a, b=c"',
    challenges: [{ scheme: "basic", parameters: { realm: "a, b=c" } }],
  },
  {
    header:
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
    challenges: [{
      scheme: "bearer",
      parameters: {
        realm: "https://auth.example/token",
        service: "registry.example",
        scope: "repository:a/b:pull,push",
      },
    }],
  },
  {
    header: "BEARER Realm=plain , service = x",
    challenges: [{
      scheme: "bearer",
      parameters: { realm: "plain", service: "x" },
    }],
  },
  {
    header: 'Negotiate, Basic realm="x", Bearer realm="y\\"z"',
    challenges: [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
      { scheme: "bearer", parameters: { realm: 'y"z' } },
    ],
  },
  {
    header: 'Basic realm="never closed, service=x',
    challenges: [{ scheme: "basic", parameters: { realm: "" } }],
  },
  { header: "()", challenges: [] },
];

Deno.test.each(READ)("parseChallenges() reads $header", (row) => {
  assert.deepEqual(parseChallenges(row.header), row.challenges);
});

Deno.test("parseChallenges() reads no header that is too long", () => {
  assert.deepEqual(parseChallenges(`Basic realm="${"x".repeat(10_000)}"`), []);
});
