/**
 * Who has what, and who is near a key: all that Peili asks of discovery.
 *
 * @module
 */

/** Another Peili, or this one. */
export interface Peer {
  /** Name that is unique in the deployment and lives as long as the process. */
  readonly id: string;
  /** `host:port` of its peer listener; IPv6 in brackets. */
  readonly address: string;
  /** Where it is, as its operator named it; none: nowhere in particular. */
  readonly zone?: string;
}

/** Whether discovery works, and if not, why, in words for a person. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };

/** What a lookup takes. */
export interface LookupOptions {
  /** Ends the lookup. */
  readonly signal: AbortSignal;
}

/**
 * Discovery. Keys are digests and tags (`registry/repository:tag`). What it
 * says are hints: a holder may be gone or may have lost the content.
 */
export interface Router {
  /** Tells whether lookups can find anything. */
  ready(): Readiness;

  /**
   * Finds peers that have a key, never this one.
   *
   * @returns The holders as they are found, best first: own zone, then nearest,
   * at random among equals; it ends when all who know have been asked
   */
  lookup(key: string, options: LookupOptions): AsyncIterable<Peer>;

  /** This node as its peers know it; null while it has not learnt its address. */
  self(): Peer | null;

  /**
   * The live peers closest to a key, this one included, closest first. Every
   * node that knows the same peers gives the same answer.
   */
  nearest(key: string, count: number): readonly Peer[];

  /** Tells the cluster that this node has these keys. */
  advertise(keys: readonly string[]): Promise<void>;

  /** Tells the cluster that this node has these keys no more. */
  withdraw(keys: readonly string[]): Promise<void>;

  /**
   * A peer that was found said that it has not got a key: it is not found for
   * that key again, unless it tells of it anew.
   */
  forget(key: string, peer: Peer): void;
}
