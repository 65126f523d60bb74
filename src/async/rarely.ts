/**
 * Saying what happens often only now and then.
 *
 * @module
 */

/** How often something is said. */
export interface RarelyOptions {
  /** Milliseconds in which the same is said once. */
  readonly everyMs: number;
  /**
   * Milliseconds; they do not go back.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/**
 * Makes a memory of what was said.
 *
 * @param options How often
 * @returns Takes what is to be said, one of a few texts; null when it was said
 * not long ago, else how often it was left unsaid since
 */
export function rarely<T extends string>(
  options: RarelyOptions,
): (what: T) => number | null {
  const { everyMs, now = () => performance.now() } = options;
  const said = new Map<T, { readonly at: number; unsaid: number }>();
  return (what) => {
    const last = said.get(what);
    if (last && now() - last.at < everyMs) {
      last.unsaid++;
      return null;
    }
    said.set(what, { at: now(), unsaid: 0 });
    return last?.unsaid ?? 0;
  };
}
