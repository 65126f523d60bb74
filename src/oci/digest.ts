/**
 * Content digests: `sha256:<hex>` and its siblings, and checking bytes against
 * one.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { Buffer } from "node:buffer";

/** A hash algorithm that a digest may name (OCI image spec v1.1). */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

/** Length of each algorithm's hex. */
const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = {
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/**
 * A checked digest, `<algorithm>:<lower-case hex>`. Made by
 * {@linkcode parseDigest} and {@linkcode digestOf} only.
 */
export type Digest = `${DigestAlgorithm}:${string}`;

/**
 * Reads a digest.
 *
 * @param text What may be a digest
 * @returns The digest, or null when the algorithm is unknown or the hex is not
 * of its length
 */
export function parseDigest(text: string): Digest | null {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  const hex = text.slice(colon + 1);
  if (!Object.hasOwn(HEX_LENGTH, algorithm)) return null;
  if (hex.length !== HEX_LENGTH[algorithm as DigestAlgorithm]) return null;
  return /^[0-9a-f]+$/.test(hex) ? text as Digest : null;
}

/**
 * Takes a digest apart.
 *
 * @param digest A checked digest
 * @returns Its algorithm and its hex
 */
export function splitDigest(
  digest: Digest,
): { algorithm: DigestAlgorithm; hex: string } {
  const colon = digest.indexOf(":");
  return {
    algorithm: digest.slice(0, colon) as DigestAlgorithm,
    hex: digest.slice(colon + 1),
  };
}

/**
 * Hashes bytes that are in memory.
 *
 * @param bytes The content
 * @param algorithm The hash to use
 * @returns The content's digest
 */
export function digestOf(
  bytes: Uint8Array | string,
  algorithm: DigestAlgorithm = "sha256",
): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Hashes content as it passes; see {@linkcode digestVerifier}. */
export interface DigestVerifier {
  /** Adds the next bytes. */
  update(bytes: Uint8Array): void;
  /** Tells whether all bytes added so far are the digest's content. */
  matches(): boolean;
}

/**
 * Makes a verifier for content that comes in pieces.
 *
 * @param digest What the bytes should hash to
 * @returns A verifier that has seen nothing yet
 */
export function digestVerifier(digest: Digest): DigestVerifier {
  const { algorithm, hex } = splitDigest(digest);
  const hash: Hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    matches: () => hash.copy().digest().equals(Buffer.from(hex, "hex")),
  };
}
