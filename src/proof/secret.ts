/**
 * The keys of a deployment, made from its secret.
 *
 * A secret is any text. HKDF (RFC 5869) makes the keys, each for one purpose and
 * one network, so that two deployments with one secret still have different
 * keys. It does not make a short secret long: whoever can guess the text has
 * the keys.
 *
 * A file may hold several secrets, one a line: the first is used, all are
 * accepted. To change the secret without a moment in which nodes refuse each
 * other, add the new one as second line on all nodes, then make it the first,
 * then remove the old one. A swarm takes one key only, that of the first line:
 * while the second step is on its way round, it is two swarms.
 *
 * @module
 */

import { hkdfSync } from "node:crypto";

/** What is made from a secret. */
export interface SecretKeys {
  /** Key of the private swarm (libp2p pnet), 32 bytes. */
  readonly swarm: Uint8Array;
  /** Keys of proofs, 32 bytes each: the first signs, all verify. */
  readonly proofs: readonly [Uint8Array, ...Uint8Array[]];
  /** True when a secret is so short that it can be guessed. */
  readonly weak: boolean;
}

/** Secrets that a file may hold: the old one, the new one, and some room. */
const MAX_SECRETS = 8;

/** Bytes of a file of secrets; a longer one is surely the wrong file. */
const MAX_FILE_BYTES = 64 << 10;

/** Characters below which a secret counts as weak: 16 of base64 are 96 bits. */
const MIN_CHARACTERS = 16;

/** Control characters, and what stands for bytes that are no UTF-8. */
// deno-lint-ignore no-control-regex
const NO_TEXT = /[\u0000-\u0008\u000e-\u001f\ufffd]/;

/**
 * Makes keys.
 *
 * @param text One secret a line; empty lines and spaces around do not count
 * @param network Name of the deployment
 * @returns The keys
 * @throws {RangeError} If there is no secret, or more than 8, or it is of a kind
 * whose lines are not secrets
 */
export function secretKeys(text: string, network: string): SecretKeys {
  // As text, random bytes are few; and a PEM begins with what everybody knows.
  if (NO_TEXT.test(text)) {
    throw new RangeError("it is no text: base64 makes one");
  }
  if (text.includes("-----BEGIN ")) {
    throw new RangeError("it is a PEM, and each line would be a secret");
  }
  const [first, ...others] = text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
  if (first === undefined) throw new RangeError("it holds no secret");
  if (others.length >= MAX_SECRETS) {
    throw new RangeError(
      `it has more than ${MAX_SECRETS} lines, and each is a secret`,
    );
  }
  const proof = (secret: string) => derive(secret, "proof", network);
  return {
    swarm: derive(first, "swarm", network),
    proofs: [proof(first), ...others.map(proof)],
    weak: [first, ...others].some(({ length }) => length < MIN_CHARACTERS),
  };
}

/**
 * Reads a file of secrets.
 *
 * @param path The file, as `--secret-file` names it
 * @param network Name of the deployment
 * @returns The keys
 * @throws {Error} If it cannot be read or holds no secret: a node that went on
 * without would be open
 */
export async function readSecretKeys(
  path: string,
  network: string,
): Promise<SecretKeys> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError("it is too long");
    return secretKeys(await Deno.readTextFile(path), network);
  } catch (cause) {
    throw new Error(`Cannot use ${path} (--secret-file)`, { cause });
  }
}

function derive(secret: string, purpose: string, network: string): Uint8Array {
  const info = `peili ${purpose} v1 ${network}`;
  return new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
}
