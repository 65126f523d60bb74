/**
 * Paths of the peer listener beside the registry's own, version 1.
 *
 * @module
 */

/** `GET`: who is there, as {@linkcode PeerIdentity}. */
export const PEER_PATH = "/peili/v1/peer";

/** `HEAD <prefix><key>`: 200 when the node has the key itself, else 404. */
export const HOLDS_PREFIX = "/peili/v1/holds/";

/** What a Peili says of itself. */
export interface PeerIdentity {
  /** Unique to the process. */
  readonly id: string;
  /** Where it is, as its operator named it; none: nowhere in particular. */
  readonly zone?: string;
}

/**
 * The path that asks whether a peer has a key.
 *
 * @param key A digest or a tag (`registry/repository:tag`)
 * @returns The path
 */
export function holdsPath(key: string): string {
  return HOLDS_PREFIX + encodeURIComponent(key);
}
