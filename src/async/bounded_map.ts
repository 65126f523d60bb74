/**
 * A map that forgets what was not used for longest, so that nothing that others
 * say can make it grow without end.
 *
 * @module
 */

/** The part of a Map that a cache needs. */
export interface BoundedMap<K, V> {
  /** Looks a key up, and counts that as use. */
  get(key: K): V | undefined;
  /** Sets a key; the one unused for longest goes when the map is full. */
  set(key: K, value: V): void;
  /** Removes a key. */
  delete(key: K): boolean;
  /** All values, the one unused for longest first. */
  values(): Iterable<V>;
  /** Entries now. */
  readonly size: number;
}

/**
 * Makes an empty bounded map.
 *
 * @param capacity Entries at most
 * @returns The map
 */
export function boundedMap<K, V>(capacity: number): BoundedMap<K, V> {
  const entries = new Map<K, V>(); // In the order of their last use.
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= capacity) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
    delete: (key) => entries.delete(key),
    values: () => entries.values(),
    get size() {
      return entries.size;
    },
  };
}
