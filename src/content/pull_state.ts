/**
 * How far a node's own pull of a digest is, in the words of stores and flights.
 *
 * @module
 */

/** How far this node's own pull of a digest is; null: neither pull nor content. */
export type PullState =
  | {
    readonly kind: "pulling";
    /** Bytes so far. */
    readonly offset: number;
    /** Size of the whole in bytes, 0 while unknown. */
    readonly total: number;
  }
  | { readonly kind: "complete" }
  /** The store is away: nobody can say. */
  | { readonly kind: "unknown" }
  | null;
