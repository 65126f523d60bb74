/**
 * From the text of a secret to keys.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readSecretKeys, secretKeys } from "../../src/proof/secret.ts";
import { temporaryFolder } from "../hosts/temporary_folder.ts";

const LONG = "a secret that is long enough";

Deno.test("secretKeys() gives the same keys for the same secret and network", () => {
  const keys = secretKeys(LONG, "peili");
  assert.deepEqual(keys, secretKeys(`\n  ${LONG}\r\n\n`, "peili"));
  assert.equal(keys.swarm.length, 32);
  assert.equal(keys.proofs[0].length, 32);
  assert.equal(keys.proofs.length, 1);
  assert.ok(!keys.weak);
});

Deno.test("secretKeys() keeps its keys: nodes of two versions must understand each other", () => {
  const { swarm, proofs: [proof] } = secretKeys("secret", "peili");
  // HKDF-SHA-256 without salt, as any other implementation gives it.
  assert.equal(
    swarm.toHex(),
    "b4aee288133cf4e167c222ed656d505aa61ef2e4d5894ab218edec952817c9b9",
  );
  assert.equal(
    proof.toHex(),
    "5038f0b3fe7f76566b253ae5d81368712be8798ed140ab686ecc3bf1cef665e5",
  );
});

Deno.test("secretKeys() gives other keys for each purpose, network and secret", () => {
  const all = [LONG, `${LONG}.`].flatMap((secret) =>
    ["peili", "other"].flatMap((network) => {
      const { swarm, proofs } = secretKeys(secret, network);
      return [swarm.toHex(), proofs[0].toHex()];
    })
  );
  assert.equal(new Set(all).size, 8);
});

Deno.test("secretKeys() uses the first line and accepts all", () => {
  const both = secretKeys(`${LONG} new\n${LONG} old\n`, "peili");
  const first = secretKeys(`${LONG} new`, "peili");
  const second = secretKeys(`${LONG} old`, "peili");
  assert.deepEqual(both.swarm, first.swarm);
  assert.deepEqual(both.proofs, [...first.proofs, ...second.proofs]);
});

Deno.test("secretKeys() says when one of its secrets can be guessed", () => {
  assert.ok(secretKeys("x".repeat(15), "peili").weak);
  assert.ok(!secretKeys("x".repeat(16), "peili").weak);
  assert.ok(secretKeys(`${LONG}\nshort`, "peili").weak);
});

Deno.test("secretKeys() refuses no secret, and more than 8", () => {
  for (const text of ["", " \n\r\n\t", Array(9).fill(LONG).join("\n")]) {
    assert.throws(() => secretKeys(text, "peili"), RangeError);
  }
  const most = secretKeys(Array(8).fill(LONG).join("\n"), "peili");
  assert.equal(most.proofs.length, 8);
});

Deno.test("secretKeys() refuses what is no text, and what begins as all of its kind", () => {
  const bytes = new TextDecoder().decode(new Uint8Array([65, 200, 7, 66]));
  const pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n";
  for (const text of [bytes, `${LONG}\0`, pem]) {
    assert.throws(() => secretKeys(text, "peili"), RangeError);
  }
});

Deno.test("readSecretKeys() reads a file", async () => {
  await using folder = await temporaryFolder({ secret: `${LONG}\n` });
  const keys = await readSecretKeys(`${folder.path}/secret`, "peili");
  assert.deepEqual(keys, secretKeys(LONG, "peili"));
});

Deno.test("readSecretKeys() names the option, and not what the file holds", async () => {
  const files = { empty: "\n", long: LONG.repeat(5_000) };
  await using folder = await temporaryFolder(files);
  for (const name of ["absent", ...Object.keys(files)]) {
    const path = `${folder.path}/${name}`;
    await assert.rejects(readSecretKeys(path, "peili"), (error: Error) => {
      assert.equal(error.message, `Cannot use ${path} (--secret-file)`);
      assert.ok(error.cause instanceof Error);
      assert.doesNotMatch(error.cause.message, /a secret that/);
      return true;
    });
  }
});
