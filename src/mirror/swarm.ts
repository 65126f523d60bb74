/**
 * All who hold complete copies, as a content source: finds them, races them,
 * checks what can be checked before the first byte, and goes on elsewhere when
 * one fails.
 *
 * @module
 */

import type { ContentSource, Located } from "../content/source.ts";
import { type ErrorCode, RegistryError } from "../oci/error.ts";
import { tagKey } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { Peer, Router } from "../routing/router.ts";
import {
  type Limits,
  type Question,
  type Tried,
  tries,
  type TriesDeps,
} from "./tries.ts";

/** What the swarm needs of other parts. */
export interface SwarmDeps extends TriesDeps {
  /** Finds holders. */
  readonly router: Router;
}

/** Holders that are tried for one request: more have failed than will help. */
const MAX_ATTEMPTS = 8;

/**
 * Holders: the next is tried beside the first after 200 ms without an answer (a
 * healthy peer has its first byte out in 1 to 5 ms, a dropped packet costs 200
 * ms); 2 s for the first byte in all (containerd before 2.3 waits for ever, and
 * going upstream would have begun by now).
 */
export const HOLDER_LIMITS: Limits = {
  delayMs: 200,
  budgetMs: 2_000,
  maxAttempts: MAX_ATTEMPTS,
};

/** Facts without bytes, tags and HEAD: half of that. */
const LOCATE_LIMITS: Limits = { ...HOLDER_LIMITS, budgetMs: 1_000 };

/**
 * Makes the source of what others hold.
 *
 * @param deps Router, peers, memory of failures, log and metrics
 * @returns The source; null when no holder is known, MANIFEST_UNKNOWN or
 * BLOB_UNKNOWN with the number of tries when all failed
 */
export function swarm(deps: SwarmDeps): ContentSource {
  const peers = tries(deps);

  async function locate(
    key: string,
    request: ContentRequest | null,
    question: Question<Located>,
    signal: AbortSignal,
  ): Promise<Located | null> {
    const limits = { ...LOCATE_LIMITS, signal };
    const found = holders(deps, key, request, signal);
    const tried = await peers.ask(found, request, question, limits);
    return decided(tried, request?.kind ?? "manifest", key);
  }

  return {
    resolve: (reference, { signal }) =>
      locate(
        tagKey(reference),
        null,
        (source, signal) => source.resolve(reference, { signal }),
        signal,
      ),
    stat: (request, { signal }) =>
      locate(
        request.digest,
        request,
        (source, signal) => source.stat(request, { signal }),
        signal,
      ),
    async open(request, options) {
      const { digest, kind } = request;
      const { signal } = options;
      const start = (range = options.range) =>
        peers.start(
          holders(deps, digest, request, signal),
          request,
          { range, signal },
          HOLDER_LIMITS,
        );
      const started = decided(await start(), kind, digest);
      return started && peers.relay(request, started, {
        async goOn(part) {
          const { value } = await start(part);
          return value instanceof RegistryError ? null : value;
        },
      });
    },
  };
}

/**
 * Finds holders that are not set aside.
 *
 * @param deps Router and memory of failures
 * @param key Digest or tag
 * @param request What is wanted; null for a tag, which sets nobody aside
 * @param signal Ends the lookup
 * @returns The holders as they are found
 */
export async function* holders(
  { router, aside }: Pick<SwarmDeps, "router" | "aside">,
  key: string,
  request: ContentRequest | null,
  signal: AbortSignal,
): AsyncIterable<Peer> {
  for await (const peer of router.lookup(key, { signal })) {
    if (!request || !aside.has(peer.address, request.digest)) yield peer;
  }
}

/**
 * Tells the three ends of a race apart.
 *
 * @param tried How it ended
 * @param kind What was wanted
 * @param key Its name, for the message
 * @returns The result, or null when there was nobody to ask
 * @throws {RegistryError} What a peer answered, or BLOB_UNKNOWN or
 * MANIFEST_UNKNOWN when all failed
 */
export function decided<T>(
  { value, attempts, timedOut }: Tried<T>,
  kind: "blob" | "manifest",
  key: string,
): T | null {
  if (value instanceof RegistryError) throw value;
  if (value !== null || attempts === 0) return value;
  throw exhausted(kind, key, { attempts, timedOut });
}

/**
 * The "no" after peers were tried, unlike that when nobody has it.
 *
 * @param kind What was wanted
 * @param key Its name, for the message
 * @param tried How many were tried, and whether time ran out before they did
 * @returns BLOB_UNKNOWN or MANIFEST_UNKNOWN (404)
 */
export function exhausted(
  kind: "blob" | "manifest",
  key: string,
  { attempts, timedOut }: Pick<Tried<unknown>, "attempts" | "timedOut">,
): RegistryError {
  const code: ErrorCode = kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
  const message = timedOut
    ? `waited too long for inflight dials to complete for ${key}`
    : `all request retries exhausted for ${key}`;
  return new RegistryError(code, message, { detail: { attempts } });
}
