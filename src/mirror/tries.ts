/**
 * Trying peers: racing them, counting what goes wrong, and relaying from the
 * one that delivers.
 *
 * @module
 */

import { hedge, type HedgeOptions, type HedgeResult } from "../async/hedge.ts";
import type {
  ContentSource,
  OpenContent,
  OpenOptions,
} from "../content/source.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { RegistryError } from "../oci/error.ts";
import { rangeLength } from "../oci/range.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { Peer, Router } from "../routing/router.ts";
import type { Aside } from "./aside.ts";
import {
  type BreakReason,
  type PresentSource,
  resumedBody,
  type StartedBody,
} from "./resume.ts";
import { CorruptError, discard, type Started, startFrom } from "./start.ts";

/** What trying peers needs of other parts. */
export interface TriesDeps {
  /** Makes the source of one peer. */
  readonly connect: (peer: Peer) => ContentSource;
  /** Hears who has not got what it was found for. */
  readonly router: Pick<Router, "forget">;
  /** Remembers who failed. */
  readonly aside: Aside;
  /** Hears of peers that fail. */
  readonly log: Log;
  /** Counts failures, resumes and bytes. */
  readonly metrics: Metrics;
}

/** How long peers are tried. */
export interface Limits extends Omit<HedgeOptions, "signal"> {
  /**
   * False: one that has not answered in time is only late, not set aside.
   *
   * @default {true}
   */
  readonly lateIsFailed?: boolean;
}

/** What one peer is asked. */
export type Question<T> = (
  source: ContentSource,
  signal: AbortSignal,
) => Promise<T | null>;

/** How the race of some peers ended; a RegistryError is an answer, too. */
export type Tried<T> = HedgeResult<T | RegistryError>;

/** Finds who goes on at a byte of the whole content; null when nobody does. */
export type GoOn = (
  part: { readonly start: number; readonly end: number },
  failed: string,
  reason: BreakReason,
) => Promise<StartedBody | null>;

/** What is done with a relay. */
export interface RelayOptions {
  readonly goOn: GoOn;
  /** Is given the present source at the beginning. */
  readonly onBegin?: (source: PresentSource) => void;
  /** Hears once whether all bytes were there, and who gave some. */
  readonly onEnd?: (whole: boolean, sources: ReadonlySet<string>) => void;
}

/** Trying peers for one node. */
export interface Tries {
  /** Asks peers until one has an answer. `request` is null for a tag. */
  ask<T>(
    peers: AsyncIterable<Peer>,
    request: ContentRequest | null,
    question: Question<T>,
    limits: Limits & { readonly signal: AbortSignal },
  ): Promise<Tried<T>>;
  /** Opens content at the first peer that delivers its first bytes. */
  start(
    peers: AsyncIterable<Peer>,
    request: ContentRequest,
    options: OpenOptions,
    limits: Limits,
  ): Promise<Tried<Started>>;
  /** Makes content of what has begun, which goes on elsewhere when it breaks. */
  relay(
    request: ContentRequest,
    started: Started,
    options: RelayOptions,
  ): OpenContent;
}

/** Milliseconds for which a holder that failed is not asked for that digest. */
const ASIDE_MS = 10_000;

/** And one that sent wrong bytes: its copy will not mend itself. */
export const CORRUPT_ASIDE_MS = 600_000;

/**
 * Makes the tries of a node.
 *
 * @param deps Peers, memory of failures, log and metrics
 * @returns The tries
 */
export function tries(deps: TriesDeps): Tries {
  const { connect, router, aside, log, metrics } = deps;

  /** Asks one peer; what goes wrong is counted and told, and is null. */
  async function attempt<T>(
    peer: Peer,
    request: ContentRequest | null,
    question: Question<T>,
    signal: AbortSignal,
  ): Promise<T | RegistryError | null> {
    try {
      const answer = await question(connect(peer), signal);
      if (answer === null && !signal.aborted) {
        failed(peer, request, "missing");
        if (request) router.forget(request.digest, peer);
      }
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

  async function ask<T>(
    peers: AsyncIterable<Peer>,
    request: ContentRequest | null,
    question: Question<T>,
    limits: Limits & { readonly signal: AbortSignal },
    discardLate: (late: T | RegistryError) => void = () => {},
  ): Promise<Tried<T>> {
    const silent = new Set<Peer>();
    const result = await hedge<Peer, T | RegistryError>(
      peers,
      async (peer, end) => {
        silent.add(peer);
        const answer = await attempt(peer, request, question, end);
        silent.delete(peer);
        return answer;
      },
      discardLate,
      limits,
    );
    // Else the next request would wait for them as long again.
    if (result.timedOut && limits.lateIsFailed !== false) {
      silent.forEach((peer) => failed(peer, request, "timeout"));
    }
    return result;
  }

  return {
    ask: (peers, request, question, limits) =>
      ask(peers, request, question, limits),
    start: (peers, request, { range, signal }, limits) =>
      ask(
        peers,
        request,
        (source, signal) => startFrom(source, request, { range, signal }),
        { ...limits, signal },
        discard,
      ),
    relay(request, started, { goOn, onBegin, onEnd }) {
      const { descriptor, range } = started.content;
      const begin = range?.start ?? 0;
      const end = range?.end ?? descriptor.size - 1;
      const sources = new Set([started.from]);
      let last = started.from;
      const body = resumedBody(started, {
        length: range ? rangeLength(range) : descriptor.size,
        async reopen(offset, reason) {
          const rest = { start: begin + offset, end };
          const next = await goOn(rest, last, reason);
          const outcome = next ? "resumed" : "ended";
          metrics.count("peili_resumes_total", { outcome });
          if (next) sources.add(last = next.from);
          return next;
        },
        onBegin,
        onBreak(from, reason, offset) {
          const { digest } = request;
          const at = { peer: from, digest, offset: begin + offset };
          // It did nothing wrong.
          if (reason === "better") return log.info("peer was slow", at);
          log.warn("peer failed in mid-body", { ...at, reason });
          failed({ address: from }, request, reason);
        },
        onBytes: (_from, bytes) =>
          metrics.count("peili_bytes_total", {
            source: "peer",
            direction: "received",
          }, bytes),
        onEnd: (whole) => onEnd?.(whole, sources),
      });
      return { descriptor, range, body, from: started.from };
    },
  };
}
