/**
 * Any order.
 *
 * @module
 */

/** Puts items in a random order. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
