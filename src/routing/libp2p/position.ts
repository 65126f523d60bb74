/**
 * Places of keys and peers, and how far they are from each other: Kademlia's XOR
 * metric on SHA-256.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Where a key or a peer is: 256 bits as eight words. */
export type Position = Uint32Array;

/** A multihash of SHA-256 begins so: its code and its length. */
const SHA256_MULTIHASH = [0x12, 0x20];

/**
 * Makes the DHT's key of a text.
 *
 * @param text A digest or a tag
 * @returns The multihash of its SHA-256, 34 bytes
 */
export function kadKey(text: string): Uint8Array {
  const key = new Uint8Array(34);
  key.set(SHA256_MULTIHASH);
  // node's hash takes 3 us where WebCrypto takes 19.
  key.set(createHash("sha256").update(text).digest(), 2);
  return key;
}

/**
 * Tells where a key or a peer is.
 *
 * @param bytes A key's multihash, or a peer's id
 * @returns Its place
 */
export function positionOf(bytes: Uint8Array): Position {
  const hash = createHash("sha256").update(bytes).digest();
  return Uint32Array.from({ length: 8 }, (_, i) => hash.readUInt32BE(4 * i));
}

/**
 * Compares two distances.
 *
 * @param target From where
 * @param a One place
 * @param b Another place
 * @returns Negative when `a` is nearer, positive when `b` is, 0 for one place
 */
export function compareDistance(
  target: Position,
  a: Position,
  b: Position,
): number {
  for (let i = 0; i < 8; i++) {
    const from = target[i] ?? 0;
    const difference = ((a[i] ?? 0) ^ from) >>> 0;
    const other = ((b[i] ?? 0) ^ from) >>> 0;
    if (difference !== other) return difference - other;
  }
  return 0;
}

/**
 * Finds the nearest of many: one pass, as a few of a thousand are wanted.
 *
 * @param target From where
 * @param items What has a place
 * @param count At most so many
 * @returns The nearest, nearest first
 */
export function closest<T extends { readonly position: Position }>(
  target: Position,
  items: Iterable<T>,
  count: number,
): T[] {
  const best: T[] = [];
  for (const item of items) {
    const nearer = (other: T | undefined) =>
      other !== undefined &&
      compareDistance(target, item.position, other.position) < 0;
    if (best.length >= count && !nearer(best.at(-1))) continue;
    let at = best.length;
    while (at > 0 && nearer(best[at - 1])) at--;
    best.splice(at, 0, item);
    if (best.length > count) best.pop();
  }
  return best;
}
