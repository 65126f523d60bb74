/**
 * Digests: which texts are one, and checking bytes against one.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  digestOf,
  digestVerifier,
  parseDigest,
  splitDigest,
} from "../../src/oci/digest.ts";

/** The hash of no byte. */
const EMPTY_256 =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const HEX_384 = "0123456789abcdef".repeat(6);
const HEX_512 = "0123456789abcdef".repeat(8);

Deno.test.each([
  `sha256:${EMPTY_256}`,
  `sha384:${HEX_384}`,
  `sha512:${HEX_512}`,
])("parseDigest() takes %s", (text) => {
  assert.equal(parseDigest(text), text);
});

Deno.test.each([
  { name: "no text", text: "" },
  { name: "no colon", text: `sha256${EMPTY_256}` },
  { name: "no algorithm", text: `:${EMPTY_256}` },
  { name: "no hex", text: "sha256:" },
  { name: "a short hex", text: `sha256:${EMPTY_256.slice(1)}` },
  { name: "a long hex", text: `sha256:${EMPTY_256}0` },
  { name: "a hex of another algorithm", text: `sha512:${EMPTY_256}` },
  { name: "upper-case hex", text: `sha256:${EMPTY_256.toUpperCase()}` },
  { name: "an upper-case algorithm", text: `SHA256:${EMPTY_256}` },
  { name: "an unknown algorithm", text: `md5:${EMPTY_256.slice(32)}` },
  { name: "a member of every object", text: `toString:${EMPTY_256}` },
  { name: "a path", text: `sha256:${"../".repeat(21)}x` },
  { name: "two colons", text: `sha256:sha256:${EMPTY_256}` },
  { name: "a space behind", text: `sha256:${EMPTY_256} ` },
  { name: "a line break behind", text: `sha256:${EMPTY_256.slice(1)}\n` },
])("parseDigest() refuses $name", ({ text }) => {
  assert.equal(parseDigest(text), null);
});

Deno.test("splitDigest() gives algorithm and hex", () => {
  assert.deepEqual(splitDigest(digestOf("")), {
    algorithm: "sha256",
    hex: EMPTY_256,
  });
});

Deno.test("digestOf() hashes text as its bytes", () => {
  assert.equal(digestOf("ä"), digestOf(new TextEncoder().encode("ä")));
});

Deno.test.each(
  ["sha256", "sha384", "sha512"] as const,
)("digestOf() with %s makes what parseDigest() takes", (algorithm) => {
  const digest = digestOf("some", algorithm);
  assert.equal(parseDigest(digest), digest);
});

Deno.test.each(
  ["sha256", "sha384", "sha512"] as const,
)("digestVerifier() knows %s content that comes in pieces", (algorithm) => {
  const verifier = digestVerifier(digestOf("abcdef", algorithm));
  for (const piece of ["ab", "", "cdef"]) {
    verifier.update(new TextEncoder().encode(piece));
  }
  assert.ok(verifier.matches());
});

Deno.test.each(["abcdeF", "abcde", "abcdefg", ""])(
  "digestVerifier() refuses '%s' in place of abcdef",
  (content) => {
    const verifier = digestVerifier(digestOf("abcdef"));
    verifier.update(new TextEncoder().encode(content));
    assert.ok(!verifier.matches());
  },
);

Deno.test("digestVerifier() can be asked before the end and again", () => {
  const verifier = digestVerifier(digestOf("ab"));
  verifier.update(new TextEncoder().encode("a"));
  assert.ok(!verifier.matches());
  verifier.update(new TextEncoder().encode("b"));
  assert.ok(verifier.matches());
  assert.ok(verifier.matches());
});
