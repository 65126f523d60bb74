/**
 * What DNS answers, as addresses of nodes. A real server is asked in the lab.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  dnsBootstrap,
  type Resolve,
} from "../../../src/routing/bootstrap/dns.ts";

const { signal } = new AbortController();

/** Looks up with answers in place of DNS; an error is thrown. */
function find(
  answers: Readonly<Record<"A" | "AAAA", readonly string[] | Error>>,
): Promise<readonly string[]> {
  const resolve: Resolve = (domain, type) => {
    assert.equal(domain, "peers.example.");
    const answer = answers[type];
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve(answer);
  };
  return dnsBootstrap({ domain: "peers.example.", port: 5001, resolve })
    .find(signal);
}

const NOT_FOUND = new Deno.errors.NotFound("no records found");
const SILENT = new Deno.errors.TimedOut("request timed out");

Deno.test("dnsBootstrap() names every address of both families, each once", async () => {
  const A = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const AAAA = ["fd00::1", "FD00:0::1", "fd00::2"];
  const found = await find({ A: [...A, "10.0.0.0"], AAAA });
  assert.deepEqual(found, [
    ...A.map((ip) => `/ip4/${ip}/tcp/5001`),
    "/ip6/fd00::1/tcp/5001",
    "/ip6/fd00::2/tcp/5001",
  ]);
});

Deno.test("dnsBootstrap() names nobody when there is nobody", async () => {
  assert.deepEqual(await find({ A: NOT_FOUND, AAAA: NOT_FOUND }), []);
  assert.deepEqual(await find({ A: [], AAAA: NOT_FOUND }), []);
});

Deno.test.each([
  { A: ["10.0.0.1"], AAAA: NOT_FOUND },
  { A: ["10.0.0.1"], AAAA: SILENT },
])("dnsBootstrap() needs one family only", async (answers) => {
  assert.deepEqual(await find(answers), ["/ip4/10.0.0.1/tcp/5001"]);
});

Deno.test("dnsBootstrap() fails when nobody answers, and names the name", async () => {
  for (const AAAA of [SILENT, NOT_FOUND, []]) {
    await assert.rejects(find({ A: SILENT, AAAA }), {
      message: "Cannot look peers.example. up",
      cause: SILENT,
    });
  }
});

Deno.test("dnsBootstrap() ends with its signal", async () => {
  const given: AbortSignal[] = [];
  const bootstrap = dnsBootstrap({
    domain: "a.",
    port: 1,
    resolve: (_domain, _type, options) => {
      given.push(options.signal);
      return Promise.resolve([]);
    },
  });
  await bootstrap.find(signal);
  assert.deepEqual(given, [signal, signal]);
});
