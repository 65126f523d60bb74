/**
 * What the peer listener answers beside the registry's paths: who is here,
 * whether this node has a key, and what it says as home of a flight.
 *
 * @module
 */

import { readText } from "../async/read_text.ts";
import type { ContentSource } from "../content/source.ts";
import {
  decodeMessages,
  encodeReplies,
  type FlightMessage,
  type FlightReply,
  FLIGHTS_PATH,
  MAX_BATCH_BYTES,
} from "../flight/messages.ts";
import { parseDigest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import { parseImageName } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import {
  HOLDS_PREFIX,
  PEER_PATH,
  type PeerIdentity,
} from "../routing/peer_paths.ts";

/** Tells whether a node has a key itself. */
export type Holds = (key: string, signal: AbortSignal) => Promise<boolean>;

/**
 * Asks a source whether it has a key.
 *
 * @param source This node's own content
 * @returns The question; malformed keys are simply not there
 */
export function holdsIn(source: ContentSource): Holds {
  return async (key, signal) => {
    const digest = parseDigest(key);
    if (!digest) {
      const name = parseImageName(key);
      if (!name?.tag) return false;
      const { registry, repository, tag } = name;
      const tagged = { registry, repository, tag };
      return await source.resolve(tagged, { signal }) !== null;
    }
    const asked = { repository: "peili", digest };
    const has = (kind: ContentRequest["kind"]) =>
      source.stat({ kind, ...asked }, { signal });
    // At once: a store answers both by one look.
    const [blob, manifest] = await Promise.all([has("blob"), has("manifest")]);
    return (blob ?? manifest) !== null;
  };
}

/** A handler that needs the request, and a place for its name in the log. */
export type PeerHandler = (
  request: Request,
  exchange?: { readonly facts: { handler: string } },
) => Promise<Response>;

/** Answers messages about flights. */
export type FlightAnswer = (
  messages: readonly FlightMessage[],
) => readonly FlightReply[];

/**
 * Answers other Peilis.
 *
 * @param identity Who this is
 * @param holds What this node has
 * @param flights What this node says as home; without it, it is no home
 * @returns Handlers by path, or by prefix where it ends with a slash
 */
export function peerApi(
  identity: PeerIdentity,
  holds: Holds,
  flights?: FlightAnswer,
): Readonly<Record<string, PeerHandler>> {
  return {
    ...(flights ? { [FLIGHTS_PATH]: flightsHandler(flights) } : {}),
    [PEER_PATH]: (_request, exchange) => {
      if (exchange) exchange.facts.handler = "peer";
      return Promise.resolve(Response.json(identity));
    },
    [HOLDS_PREFIX]: async ({ url, signal }, exchange) => {
      if (exchange) exchange.facts.handler = "holds";
      const key = decodeKey(new URL(url).pathname.slice(HOLDS_PREFIX.length));
      return new Response(null, {
        status: await holds(key, signal) ? 200 : 404,
      });
    },
  };
}

function flightsHandler(flights: FlightAnswer): PeerHandler {
  return async (request, exchange) => {
    if (exchange) exchange.facts.handler = "flights";
    if (request.method !== "POST") {
      throw new RegistryError("UNSUPPORTED", "flights take POST", {
        status: 405,
        headers: { Allow: "POST" },
      });
    }
    const text = await readBatch(request);
    return new Response(encodeReplies(flights(decode(text))), {
      headers: { "Content-Type": "application/json" },
    });
  };
}

function decode(text: string): FlightMessage[] {
  try {
    return decodeMessages(text);
  } catch (cause) {
    throw new RegistryError("NAME_INVALID", "malformed flight messages", {
      cause,
      status: 400,
    });
  }
}

async function readBatch({ body }: Request): Promise<string> {
  try {
    return await readText(body, MAX_BATCH_BYTES);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RegistryError("NAME_INVALID", "too many flight messages", {
      cause,
      status: 413,
    });
  }
}

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new RegistryError("NAME_INVALID", "malformed key", { cause });
  }
}
