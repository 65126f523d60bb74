/**
 * How a node asks another: the one door for requests to peer listeners.
 *
 * @module
 */

/** A request to a peer. */
export interface PeerRequest extends RequestInit {
  /** What it says beside what the door adds. */
  readonly headers?: Record<string, string>;
  /** Text, so that it can be signed. */
  readonly body?: string;
}

/**
 * Asks a peer listener, as `fetch` does. It adds what the peer needs to know
 * whom it answers, follows no redirect, and rejects with a
 * {@linkcode StrangerError} when the answer is by somebody else.
 */
export type PeerFetch = (
  url: string,
  request: PeerRequest,
) => Promise<Response>;

/** Somebody else listens at a peer's address. */
export class StrangerError extends Error {
  /** Tells it from other errors. */
  override readonly name = "StrangerError";
}
