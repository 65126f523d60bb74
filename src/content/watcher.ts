/**
 * Watching a store: what came and what went.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";

/** Something that changed in a store. */
export type ContentEvent =
  /** Content was committed. */
  | { readonly kind: "created"; readonly digest: Digest }
  /** Content is gone. */
  | { readonly kind: "deleted"; readonly digest: Digest }
  /** An image name (`registry/repository:tag`) has, or now has, this target. */
  | { readonly kind: "tagged"; readonly name: string; readonly digest: Digest }
  /** An image name is gone. */
  | { readonly kind: "untagged"; readonly name: string };

/** A store that tells what changes in it. */
export interface ContentWatcher {
  /**
   * Watches until the signal aborts. The first batch is all that is there, even
   * when that is nothing; every further batch is what changed since. Events are
   * hints: garbage collection announces nothing, so what is gone may be told
   * late. A store that is away is waited for.
   *
   * @param signal Ends the iteration without an error
   * @returns Batches of events, in order, none missing between two listings
   */
  watch(signal: AbortSignal): AsyncIterable<readonly ContentEvent[]>;
}
