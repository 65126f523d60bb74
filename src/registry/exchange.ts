/**
 * A handler, and what it gets beside the request.
 *
 * @module
 */

import type { FlightFacts } from "../content/source.ts";

/** Facts of one exchange that its handler adds to the access log. */
export interface ExchangeFacts {
  /** What answered: mirror, blob, manifest, v2, readyz, livez, ... */
  handler: string;
  /** Registry of the image, when it is known. */
  registry?: string;
  /** Whose content was sent: `local` or a peer's address. */
  source?: string;
  /** What the cluster decided. */
  flight?: FlightFacts;
  /** Why the answer is a no. */
  error?: string;
}

/** One request being answered. */
export interface Exchange {
  /** Address of the client. */
  readonly ip: string;
  /** What the log will say. */
  readonly facts: ExchangeFacts;
}

/** Answers one request. */
export type Handler = (
  request: Request,
  exchange: Exchange,
) => Promise<Response> | Response;
