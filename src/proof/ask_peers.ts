/**
 * The door to peer listeners: what each request to a peer carries, and whose
 * answers are believed.
 *
 * @module
 */

import { rarely } from "../async/rarely.ts";
import type { Log } from "../log.ts";
import { type PeerFetch, StrangerError } from "../routing/peer_fetch.ts";
import type { Deployment } from "./deployment.ts";
import { MAX_SKEW_SECONDS } from "./proof.ts";

/** What asking needs of other parts. */
export interface AskPeersDeps {
  /** Hears, once a minute at most, of peers that are none of us. */
  readonly log: Log;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/** A peer that refuses is asked every 2 s; a minute is soon enough to say so. */
const SAY_EVERY_MS = 60_000;

/** What a client may have sent and no peer must see. */
const PRIVATE = ["Authorization", "Proxy-Authorization", "Cookie"];

const HINT =
  `it has another --network or --secret-file, or its clock differs by more than ${MAX_SKEW_SECONDS} s`;

/**
 * Makes the door.
 *
 * @param deployment What this node proves, and asks for
 * @param deps Log and fetch
 * @returns It rejects when the answer does not prove that it comes from a node
 * of the deployment. A refusal (401) and a fault (5xx) prove nothing
 */
export function askPeers(
  deployment: Deployment,
  { log, fetcher = fetch }: AskPeersDeps,
): PeerFetch {
  const sayRarely = rarely({ everyMs: SAY_EVERY_MS });
  const warn = (message: string, peer: string) => {
    const more = sayRarely(message);
    if (more !== null) log.warn(message, { peer, more, hint: HINT });
  };

  return async (text, request) => {
    const url = new URL(text);
    const { method = "GET", body = "" } = request;
    const target = url.pathname + url.search;
    const asked = deployment.ask({ method, target, body });
    const headers = new Headers(request.headers);
    PRIVATE.forEach((name) => headers.delete(name));
    for (const [name, value] of Object.entries(asked.headers)) {
      headers.set(name, value);
    }
    // A redirect would carry the proof to whom it was not made for.
    const answer = await fetcher(url, {
      ...request,
      headers,
      redirect: "manual",
    });
    const { status } = answer;
    if (status === 401) warn("peer refuses this node", url.host);
    // What tells nothing needs no proof.
    if (status === 401 || status >= 500 || asked.trusts(answer)) return answer;
    await answer.body?.cancel();
    warn("peer does not know the secret", url.host);
    throw new StrangerError(
      `Cannot trust ${url.host}: it does not know the secret`,
    );
  };
}
