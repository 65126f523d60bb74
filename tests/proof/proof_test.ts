/**
 * Proofs: what they are bound to, and for how long they count.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  digestOfBody,
  MAX_SKEW_SECONDS,
  type Proofs,
  proofs,
  type Proven,
} from "../../src/proof/proof.ts";
import { secretKeys } from "../../src/proof/secret.ts";

const NOW = 1_700_000_000_000;
const CLAIM = {
  method: "GET",
  target: "/v2/library/app/manifests/v1?ns=docker.io",
};
const DIGEST = `sha256:${"a".repeat(64)}`;

/** Proofs of some secrets, the first of which signs. */
function proofsOf(secrets: readonly string[], network = "peili", at = NOW) {
  return proofs(secretKeys(secrets.join("\n"), network).proofs, () => at);
}

function sign(by: Proofs, body = "") {
  return by.sign({ ...CLAIM, body });
}

function proven(verdict: ReturnType<Proofs["check"]>): Proven {
  assert.ok(!("reason" in verdict), JSON.stringify(verdict));
  return verdict;
}

const OK = { status: 200, digest: null };

const ours = proofsOf(["secret"]);

Deno.test("check() takes what sign() made, and gives the body's digest", () => {
  assert.equal(proven(ours.check(sign(ours).text, CLAIM)).body, "");
  const digest = digestOfBody("[]");
  assert.equal(proven(ours.check(sign(ours, digest).text, CLAIM)).body, digest);
});

Deno.test("sign() makes a header that another implementation can make", () => {
  const { text } = sign(ours);
  assert.equal(
    text,
    "1.1700000000..liOsKmRa08ig3VWeW3O3NPofJ3543mebuNSeYeTw2uM",
  );
});

Deno.test.each([
  { ...CLAIM, method: "HEAD" },
  { ...CLAIM, target: "/v2/library/app/manifests/v2?ns=docker.io" },
  { ...CLAIM, target: "/v2/library/app/manifests/v1?ns=ghcr.io" },
  { ...CLAIM, target: "/v2/library/app/manifests/v1" },
])("check() refuses the proof of another request: $method $target", (claim) => {
  const verdict = ours.check(sign(ours).text, claim);
  assert.deepEqual(verdict, { reason: "wrong proof" });
});

Deno.test("check() refuses a proof with any character changed", () => {
  const { text } = sign(ours, digestOfBody("[]"));
  for (let i = 0; i < text.length; i++) {
    // The last bits of the last character belong to no byte.
    const other = text[i] === "1" ? "2" : text[i] === "." ? "-" : "1";
    const changed = text.slice(0, i) + other + text.slice(i + 1);
    const verdict = ours.check(changed, CLAIM);
    assert.deepEqual(verdict, { reason: "wrong proof" }, changed);
  }
});

Deno.test("check() refuses what is no proof at all", () => {
  const texts = ["", "1", "1...", "x".repeat(9_000), "1.-5..", "2.1..a", "é"];
  for (const text of texts) {
    assert.deepEqual(ours.check(text, CLAIM), { reason: "wrong proof" }, text);
  }
});

Deno.test("check() says when there is none", () => {
  assert.deepEqual(ours.check(null, CLAIM), { reason: "no proof" });
});

Deno.test("check() refuses another secret, and the same one in another network", () => {
  for (const other of [proofsOf(["other"]), proofsOf(["secret"], "other")]) {
    assert.deepEqual(other.check(sign(ours).text, CLAIM), {
      reason: "wrong proof",
    });
  }
});

Deno.test("check() allows clocks a minute, and tells how wrong they are", () => {
  const at = (seconds: number) =>
    proofsOf(["secret"], "peili", NOW + seconds * 1000);
  const { text } = sign(ours);
  proven(at(MAX_SKEW_SECONDS).check(text, CLAIM));
  proven(at(-MAX_SKEW_SECONDS).check(text, CLAIM));
  const old = at(MAX_SKEW_SECONDS + 1).check(text, CLAIM);
  assert.deepEqual(old, { reason: "old proof", skewSeconds: -61 });
  const early = at(-MAX_SKEW_SECONDS - 1).check(text, CLAIM);
  assert.deepEqual(early, { reason: "early proof", skewSeconds: 61 });
  // Whoever does not know the secret is told nothing of clocks.
  const stranger = sign(proofsOf(["other"], "peili", 0)).text;
  assert.deepEqual(ours.check(stranger, CLAIM), { reason: "wrong proof" });
});

Deno.test("check() accepts every secret of its file, in each step of a change", () => {
  const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
  steps.slice(1).forEach((later, index) => {
    const pair = [proofsOf(steps[index] ?? []), proofsOf(later)] as const;
    for (const [client, server] of [pair, pair.toReversed()]) {
      assert.ok(client && server);
      const signed = sign(client);
      const { answer } = proven(server.check(signed.text, CLAIM));
      assert.ok(signed.answered(answer(OK), OK));
    }
  });
});

Deno.test("answered() takes the answer to its own request, and no other", () => {
  const signed = sign(ours);
  const { answer } = proven(ours.check(signed.text, CLAIM));
  const given = { status: 200, digest: DIGEST };
  const text = answer(given);
  assert.ok(signed.answered(text, given));
  assert.ok(!signed.answered(text, { ...given, status: 404 }));
  assert.ok(!signed.answered(text, { ...given, digest: null }));
  const other = DIGEST.replaceAll("a", "b");
  assert.ok(!signed.answered(text, { ...given, digest: other }));
  assert.ok(!signed.answered("", given));
  assert.ok(!signed.answered(signed.text, given));
  const another = sign(ours, digestOfBody("x"));
  assert.ok(!another.answered(text, given));
});
