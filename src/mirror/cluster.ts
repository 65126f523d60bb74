/**
 * The whole cluster as a content source: complete copies, copies that are still
 * being pulled, and the node's own turn to go upstream for all.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { hedge } from "../async/hedge.ts";
import type {
  ContentSource,
  OpenContent,
  OpenOptions,
} from "../content/source.ts";
import type { Flights, PullState } from "../flight/flights.ts";
import type { FlightReply } from "../flight/messages.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import type { RangeRequest } from "../oci/range.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { Peer } from "../routing/router.ts";
import type { Leads } from "./leads.ts";
import type { StartedBody } from "./resume.ts";
import type { Started } from "./start.ts";
import { HOLDER_LIMITS, holders, swarm, type SwarmDeps } from "./swarm.ts";
import { tries } from "./tries.ts";
import { whileAlive, type WhileAliveDeps } from "./while_alive.ts";

/** What the cluster needs of other parts. */
export interface ClusterDeps extends SwarmDeps, WhileAliveDeps {
  /** Asks homes. */
  readonly flights: Pick<Flights, "join" | "delivered" | "follows">;
  /** Sends this node upstream. */
  readonly leads: Leads;
  /** Tells how far this node's own pull of a digest is. */
  readonly pullState: (digest: Digest) => Promise<PullState>;
}

/** How long the cluster is waited for. */
export interface ClusterOptions {
  /**
   * Milliseconds for the first byte of a parent that pulls.
   *
   * @default {20_000}
   */
  readonly parentMs?: number;
  /**
   * Milliseconds until the first byte, however many homes and parents are
   * asked.
   *
   * @default {25_000}
   */
  readonly obtainMs?: number;
}

/**
 * A parent that pulls: the first byte may take 20 s, as long as the parent's
 * node answers (containerd 2.3 gives up at 30 s), and the next parent is tried
 * only when one fails: two at once would be two streams of the same bytes.
 */
const PARENT_MS = 20_000;

/**
 * Where no redirect can be given, a lead queues behind this node's own waits
 * for others, and if everybody waits so, nobody leads: such a node waits this
 * long only, in ms.
 */
const QUEUED_PARENT_MS = 150;

/**
 * Milliseconds until the first byte, however many homes and parents are asked:
 * containerd 2.3 gives up at 30 s.
 */
const OBTAIN_MS = 25_000;

/** What asking came to: bytes, an answer, this node's turn, or nobody. */
type Obtained =
  | { readonly started: Started; readonly role: "holders" | "follow" }
  | RegistryError
  | "lead"
  | null;

/** Answers of homes that are followed for one request before it goes upstream. */
const MAX_ROUNDS = 5;

/** Leads by 404 that are remembered; containerd pulls a few layers at a time. */
const MAX_QUEUED = 64;

/**
 * Makes the source of what the cluster has or is getting.
 *
 * @param deps Router, peers, flights, leads, log and metrics
 * @param options How long is waited
 * @returns The source; a 307 as RegistryError when this node is to lead
 */
export function cluster(
  deps: ClusterDeps,
  options: ClusterOptions = {},
): ContentSource {
  const { parentMs = PARENT_MS, obtainMs = OBTAIN_MS } = options;
  const { aside, flights, leads, log, metrics, pullState } = deps;
  const { resolve, stat } = swarm(deps);
  const peers = tries(deps);
  const queued = new Set<Digest>(); // Led by 404 and perhaps not begun.

  /** Asks homes until somebody delivers, or it is this node's turn. */
  async function obtain(
    request: ContentRequest,
    { range, signal }: OpenOptions,
    failed: string[],
  ): Promise<Obtained> {
    const { digest } = request;
    using limit = deadline(signal, obtainMs);
    const options = { range, signal: limit.signal };
    let mayLead = false;
    for (let round = 0; round < MAX_ROUNDS && !limit.signal.aborted; round++) {
      const { reply, pulls } = await ask(request, options, failed);
      // Else the next one who asks would go upstream for nobody.
      if (signal.aborted) return null;
      mayLead = pulls;
      count(request, reply, round);
      if (reply.kind === "lead" || reply.kind === "none") {
        return pulls ? "lead" : null;
      }
      const told = reply.peers.filter((address) => !failed.includes(address));
      const started = reply.kind === "follow"
        ? await follow(request, told, options)
        : await fromHolders(request, told, options);
      if (started) {
        // Not always the first that home told.
        if (started instanceof RegistryError) return started;
        flights.follows(digest, started.from);
        return { started, role: reply.kind };
      }
      failed.push(...told);
      log.debug("nobody of the flight delivers", { digest, round });
    }
    if (signal.aborted) return null;
    metrics.count("peili_flight_waits_given_up_total", {});
    return mayLead ? "lead" : null;
  }

  async function ask(
    request: ContentRequest,
    { range, signal }: OpenOptions,
    failed: readonly string[],
  ): Promise<{ reply: FlightReply; pulls: boolean }> {
    const { digest } = request;
    const [own, found] = await Promise.all([
      pullState(digest),
      firstHolder(request, failed, signal),
    ]);
    const pulling = own?.kind === "pulling" ? own : null;
    const reply = await flights.join({
      digest,
      mayLead: pulling !== null,
      offset: pulling?.offset ?? startOf(range),
      total: pulling?.total ?? 0,
      holders: found,
      failed,
      signal,
    });
    return { reply, pulls: pulling !== null };
  }

  /**
   * One complete copy is enough to know; home knows of more. A lookup that fails
   * or hangs found nobody.
   */
  async function firstHolder(
    request: ContentRequest,
    failed: readonly string[],
    signal: AbortSignal,
  ): Promise<string[]> {
    const { value } = await hedge<Peer, string>(
      holders(deps, request.digest, request, signal),
      ({ address }) =>
        Promise.resolve(failed.includes(address) ? null : address),
      () => {/* an address has nothing to free */},
      { ...HOLDER_LIMITS, signal },
    );
    return value === null ? [] : [value];
  }

  async function fromHolders(
    request: ContentRequest,
    addresses: readonly string[],
    options: OpenOptions,
  ): Promise<Started | RegistryError | null> {
    const named = peersOf(addresses);
    return (await peers.start(named, request, options, HOLDER_LIMITS)).value;
  }

  async function follow(
    request: ContentRequest,
    addresses: readonly string[],
    { range, signal }: OpenOptions,
  ): Promise<Started | RegistryError | null> {
    const waitMs = await isQueued() ? QUEUED_PARENT_MS : parentMs;
    const limits = { delayMs: waitMs, budgetMs: waitMs, maxAttempts: 1 };
    for (const address of addresses) {
      const started = await whileAlive(
        deps,
        address,
        signal,
        async (alive): Promise<Started | RegistryError | null> => {
          // The whole, where it is the whole: containerd then takes one stream.
          const part = isFromStart(range) ? undefined : range;
          const options = { range: part, signal: alive };
          const only = peersOf([address]);
          return (await peers.start(only, request, options, limits)).value;
        },
      );
      if (started) return started;
    }
    return null;
  }

  /** True while a lead that had to be a 404 has not begun. */
  async function isQueued(): Promise<boolean> {
    for (const digest of queued) {
      const state = await pullState(digest);
      if (state?.kind === "pulling" && state.offset === 0) return true;
      queued.delete(digest);
    }
    return false;
  }

  async function lead(request: ContentRequest): Promise<null> {
    const redirect = await leads.redirect(request);
    if (redirect) throw redirect;
    if (queued.size < MAX_QUEUED) queued.add(request.digest);
    return null;
  }

  /** Goes on elsewhere in mid-body; told to lead, it ends the body. */
  async function goOn(
    request: ContentRequest,
    options: OpenOptions,
    failed: string[],
  ): Promise<StartedBody | null> {
    metrics.count("peili_flight_rejoins_total", {});
    const next = await obtain(request, options, failed);
    if (next === "lead") {
      leads.expect(request.digest);
      return null;
    }
    return next && "started" in next ? next.started : null;
  }

  function count(
    { digest }: ContentRequest,
    reply: FlightReply,
    round: number,
  ) {
    metrics.count("peili_flights_total", { decision: reply.kind });
    const peer = "peers" in reply ? reply.peers[0] : undefined;
    log.debug("flight", { digest, decision: reply.kind, peer, round });
  }

  function relay(
    request: ContentRequest,
    { started, role }: Exclude<Obtained, RegistryError | string | null>,
    signal: AbortSignal,
  ): OpenContent {
    const { digest } = request;
    const flight = { role, rejoins: 0 };
    const broke = new Set<string>();
    const { descriptor: { size }, range } = started.content;
    // The end of a chunk is not the end of the pull.
    const hasLast = range === null || range.end === size - 1;
    const content = peers.relay(request, started, {
      goOn(range, failed) {
        flight.rejoins++;
        broke.add(failed);
        // Long ago is no reason: in the end nobody would be left but upstream.
        const recent = [...broke].filter((one) => aside.has(one, digest));
        return goOn(request, { range, signal }, recent);
      },
      onEnd(whole, sources) {
        if (whole && hasLast) flights.delivered(digest, [...sources]);
      },
    });
    return { ...content, flight };
  }

  return {
    resolve,
    stat,
    async open(request, options) {
      const { digest } = request;
      if (leads.takeDecided(digest)) return await lead(request);
      const got = await obtain(request, options, []);
      if (got === "lead") return await lead(request);
      if (got instanceof RegistryError) throw got;
      return got && relay(request, got, options.signal);
    },
  };
}

function startOf(range: RangeRequest | undefined): number {
  return range && "start" in range ? range.start : 0;
}

function isFromStart(range: RangeRequest | undefined): boolean {
  return range !== undefined && "start" in range && range.start === 0 &&
    range.end === undefined;
}

async function* peersOf(addresses: readonly string[]): AsyncIterable<Peer> {
  for (const address of addresses) yield { id: address, address };
}
