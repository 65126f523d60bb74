/**
 * Randomness that is the same in every run, so that what failed once fails
 * again.
 *
 * @module
 */

/** Whole numbers that look random. */
export interface Random {
  /** A number from 0 to below `limit`. */
  below(limit: number): number;
}

/**
 * Makes a generator (mulberry32).
 *
 * @param seed Same seed, same numbers
 * @returns The generator
 */
export function random(seed: number): Random {
  let state = seed;
  return {
    below(limit) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * limit);
    },
  };
}

/**
 * Makes bytes.
 *
 * @param length How many
 * @param seed Same seed, same bytes
 * @returns The bytes, which do not compress
 */
export function randomBytes(
  length: number,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const numbers = random(seed);
  return new Uint8Array(length).map(() => numbers.below(256));
}
