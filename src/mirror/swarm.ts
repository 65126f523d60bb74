/**
 * The cluster as a content source: finds holders, races them, checks what can be
 * checked before the first byte, and goes on elsewhere when one fails.
 *
 * @module
 */

import { hedge, type HedgeResult } from "../async/hedge.ts";
import type {
  ContentSource,
  Located,
  OpenContent,
  OpenOptions,
} from "../content/source.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { type ErrorCode, RegistryError } from "../oci/error.ts";
import { rangeLength } from "../oci/range.ts";
import { tagKey } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { Peer, Router } from "../routing/router.ts";
import type { Aside } from "./aside.ts";
import { resumedBody, type StartedBody } from "./resume.ts";
import { CorruptError, discard, type Started, startFrom } from "./start.ts";

/** What the swarm needs of other parts. */
export interface SwarmDeps {
  /** Finds holders. */
  readonly router: Router;
  /** Makes the source of one peer. */
  readonly connect: (peer: Peer) => ContentSource;
  /** Remembers who failed. */
  readonly aside: Aside;
  /** Hears of peers that fail. */
  readonly log: Log;
  /** Counts failures, resumes and bytes. */
  readonly metrics: Metrics;
}

/**
 * Milliseconds without an answer until the next holder is tried beside the
 * first. A healthy peer has its first byte out in 1 to 5 ms, and a dropped
 * packet costs 200 ms: between the two.
 */
const HEDGE_MS = 100;

/**
 * Milliseconds until the first byte, in all. containerd before 2.3 waits for
 * ever, and going upstream would have begun by now.
 */
const OPEN_MS = 2_000;

/** Milliseconds for facts without bytes: tags and HEAD. */
const LOCATE_MS = 1_000;

/** Holders that are tried for one request: more have failed than will help. */
const MAX_ATTEMPTS = 8;

/** Milliseconds for which a holder that failed is not asked for that digest. */
const ASIDE_MS = 10_000;

/** And one that sent wrong bytes: its copy will not mend itself. */
const CORRUPT_ASIDE_MS = 600_000;

/**
 * Makes the source of what the cluster has.
 *
 * @param deps Router, peers, memory of failures, log and metrics
 * @returns The source; null when no holder is known, MANIFEST_UNKNOWN or
 * BLOB_UNKNOWN with the number of tries when all failed
 */
export function swarm(deps: SwarmDeps): ContentSource {
  const { router, connect, aside, log, metrics } = deps;

  async function* holders(
    key: string,
    request: ContentRequest | null,
    signal: AbortSignal,
  ): AsyncIterable<Peer> {
    for await (const peer of router.lookup(key, { signal })) {
      if (!request || !aside.has(peer.address, request.digest)) yield peer;
    }
  }

  /** Asks one holder; what goes wrong is counted and told, and is null. */
  async function attempt<T>(
    peer: Peer,
    request: ContentRequest | null,
    signal: AbortSignal,
    ask: (source: ContentSource) => Promise<T | null>,
  ): Promise<T | RegistryError | null> {
    try {
      const answer = await ask(connect(peer));
      if (answer === null && !signal.aborted) failed(peer, request, "missing");
      return answer;
    } catch (error) {
      if (error instanceof RegistryError) return error;
      if (signal.aborted) return null; // It lost the race, or all are late.
      const reason = error instanceof CorruptError ? "corrupt" : "refused";
      failed(peer, request, reason, error);
      return null;
    }
  }

  function failed(
    peer: { address: string },
    request: ContentRequest | null,
    reason: string,
    error?: unknown,
  ): void {
    metrics.count("peili_peer_failures_total", { reason });
    log.debug("peer gave nothing", { peer: peer.address, reason, error });
    const ms = reason === "corrupt" ? CORRUPT_ASIDE_MS : ASIDE_MS;
    if (request) aside.put(peer.address, request.digest, ms);
  }

  async function locate(
    key: string,
    request: ContentRequest | null,
    signal: AbortSignal,
    ask: (
      source: ContentSource,
      signal: AbortSignal,
    ) => Promise<Located | null>,
  ): Promise<Located | null> {
    const result = await hedge<Peer, Located | RegistryError>(
      holders(key, request, signal),
      (peer, end) => attempt(peer, request, end, (source) => ask(source, end)),
      () => {},
      limits(LOCATE_MS, signal),
    );
    return decided(result, request?.kind ?? "manifest", key);
  }

  async function start(
    request: ContentRequest,
    { range, signal }: OpenOptions,
  ): Promise<HedgeResult<Started | RegistryError>> {
    const silent = new Set<Peer>();
    const result = await hedge<Peer, Started | RegistryError>(
      holders(request.digest, request, signal),
      async (peer, end) => {
        silent.add(peer);
        const started = await attempt(
          peer,
          request,
          end,
          (source) => startFrom(source, request, { range, signal: end }),
        );
        silent.delete(peer);
        return started;
      },
      (lost) => discard(lost),
      limits(OPEN_MS, signal),
    );
    // Else the next request would wait for them as long again.
    if (result.timedOut) {
      silent.forEach((peer) => failed(peer, request, "timeout"));
    }
    return result;
  }

  /** Goes on at a byte of the whole content. */
  async function goOn(
    request: ContentRequest,
    at: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<StartedBody | null> {
    const { value } = await start(request, { range: at, signal });
    const started = value instanceof RegistryError ? null : value;
    const outcome = started ? "resumed" : "ended";
    metrics.count("peili_resumes_total", { outcome });
    return started;
  }

  function relay(
    request: ContentRequest,
    started: Started,
    signal: AbortSignal,
  ): OpenContent {
    const { descriptor, range } = started.content;
    const begin = range?.start ?? 0;
    const end = range?.end ?? descriptor.size - 1;
    const body = resumedBody(started, {
      length: range ? rangeLength(range) : descriptor.size,
      reopen: (offset) => goOn(request, { start: begin + offset, end }, signal),
      onBreak(from, reason, offset) {
        log.warn("peer failed in mid-body", {
          peer: from,
          digest: request.digest,
          offset: begin + offset,
          reason,
        });
        failed({ address: from }, request, reason);
      },
      onBytes: (_from, bytes) =>
        metrics.count("peili_bytes_total", {
          source: "peer",
          direction: "received",
        }, bytes),
      onEnd() {},
    });
    return { descriptor, range, body, from: started.from };
  }

  return {
    resolve: (reference, { signal }) =>
      locate(
        tagKey(reference),
        null,
        signal,
        (source, signal) => source.resolve(reference, { signal }),
      ),
    stat: (request, { signal }) =>
      locate(
        request.digest,
        request,
        signal,
        (source, signal) => source.stat(request, { signal }),
      ),
    async open(request, options) {
      const result = await start(request, options);
      const started = decided(result, request.kind, request.digest);
      return started && relay(request, started, options.signal);
    },
  };
}

function limits(budgetMs: number, signal: AbortSignal) {
  return { delayMs: HEDGE_MS, budgetMs, maxAttempts: MAX_ATTEMPTS, signal };
}

/** Tells the three ends of a race apart: a result, nobody to ask, all failed. */
function decided<T>(
  { value, attempts, timedOut }: HedgeResult<T | RegistryError>,
  kind: "blob" | "manifest",
  key: string,
): T | null {
  if (value instanceof RegistryError) throw value;
  if (value !== null || attempts === 0) return value;
  const code: ErrorCode = kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
  const message = timedOut
    ? `waited too long for inflight dials to complete for ${key}`
    : `all request retries exhausted for ${key}`;
  throw new RegistryError(code, message, { detail: { attempts } });
}
