/**
 * The whole cluster as a content source: complete copies, copies that are still
 * being pulled, and the node's own turn to go upstream for all.
 *
 * @module
 */

import { boundedMap } from "../async/bounded_map.ts";
import { deadline } from "../async/deadline.ts";
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
import { parts } from "./parts.ts";
import type { StartedBody } from "./resume.ts";
import type { Started } from "./start.ts";
import { HOLDER_LIMITS, holders, swarm, type SwarmDeps } from "./swarm.ts";
import { type Break, type Limits, tries } from "./tries.ts";
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

/**
 * A parent that pulls: the first byte may take 20 s, as long as the parent's
 * node answers (containerd 2.3 gives up at 30 s), and the next parent is tried
 * only when one fails: two at once would be two streams of the same bytes.
 */
const PARENT_LIMITS: Limits = {
  delayMs: 20_000,
  budgetMs: 20_000,
  maxAttempts: 3,
};

/**
 * Where no redirect can be given, a lead queues behind this node's own waits
 * for others, and if everybody waits so, nobody leads: such a node waits this
 * long only, in ms.
 */
const QUEUED_PARENT_LIMITS: Limits = { ...PARENT_LIMITS, budgetMs: 150 };

/**
 * Milliseconds until the first byte, however many homes and parents are asked:
 * containerd 2.3 gives up at 30 s.
 */
const OBTAIN_MS = 25_000;

/**
 * In mid-body a new parent has bytes or will soon: it is waited for as long as
 * this many stalls. It may itself be looking for another just now.
 */
const REJOIN_STALLS = 2;

/** What asking came to: bytes, an answer, this node's turn, or nobody. */
type Obtained =
  | { readonly started: Started; readonly role: "holders" | "follow" }
  | RegistryError
  | "lead"
  | null;

/** Answers of homes that are followed for one request before it goes upstream. */
const MAX_ROUNDS = 5;

/** Digests whose last holder is remembered. */
const MAX_RECENT = 1_024;

/** Leads by 404 that are remembered; containerd pulls a few layers at a time. */
const MAX_QUEUED = 64;

/**
 * Makes the source of what the cluster has or is getting.
 *
 * @param deps Router, peers, flights, leads, log and metrics
 * @returns The source; a 307 as RegistryError when this node is to lead
 */
export function cluster(deps: ClusterDeps): ContentSource {
  const { flights, leads, log, metrics, pullState } = deps;
  const { resolve, stat } = swarm(deps);
  const peers = tries(deps);
  const sent = parts();
  const queued = new Set<Digest>(); // Led by 404 and perhaps not begun.
  const recent = boundedMap<Digest, string>(MAX_RECENT); // Who held it just now.

  /** Asks homes until somebody delivers, or it is this node's turn. */
  async function obtain(
    request: ContentRequest,
    { range, signal }: OpenOptions,
    failed: string[],
    waitMs: number = PARENT_LIMITS.budgetMs,
  ): Promise<Obtained> {
    const { digest } = request;
    using limit = deadline(signal, OBTAIN_MS);
    const options = { range, signal: limit.signal };
    const chunk = startOf(range) > 0 && await fromRecent(request, options);
    if (chunk) return chunk;
    let mayLead = false;
    for (let round = 0; round < MAX_ROUNDS && !limit.signal.aborted; round++) {
      const { reply, pulls } = await ask(request, options, failed);
      mayLead = pulls;
      count(request, reply, round);
      if (reply.kind === "lead" || reply.kind === "none") {
        return pulls ? "lead" : null;
      }
      // Of those that pull only the first: home knows that it does not follow
      // this node itself, and the next may by then; home is asked again instead.
      // It may be one that failed: home knows that it has a new place since.
      const told = reply.kind === "follow"
        ? reply.peers.slice(0, 1)
        : reply.peers.filter((address) => !failed.includes(address));
      const started = reply.kind === "follow"
        ? await follow(request, told, options, waitMs)
        : await fromHolders(request, told, options);
      if (started) {
        // Not always the first that home told.
        if (started instanceof RegistryError) return started;
        flights.follows(digest, started.from);
        if (reply.kind === "holders") recent.set(digest, started.from);
        return { started, role: reply.kind };
      }
      failed.push(...told);
      log.debug("nobody of the flight delivers", { digest, round });
    }
    metrics.count("peili_flight_waits_given_up_total", {});
    return mayLead && !signal.aborted ? "lead" : null;
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

  /** One complete copy is enough to know; home knows of more. */
  async function firstHolder(
    request: ContentRequest,
    failed: readonly string[],
    signal: AbortSignal,
  ): Promise<string[]> {
    for await (
      const { address } of holders(deps, request.digest, request, signal)
    ) {
      if (!failed.includes(address)) return [address];
    }
    return [];
  }

  /**
   * The rest of what began at a complete copy goes on there, without asking
   * again: parallel ranges come 2 MiB at a time.
   */
  async function fromRecent(
    request: ContentRequest,
    options: OpenOptions,
  ): Promise<Obtained> {
    const address = recent.get(request.digest);
    if (!address || deps.aside.has(address, request.digest)) return null;
    const started = await fromHolders(request, [address], options);
    if (!started) recent.delete(request.digest);
    return started instanceof RegistryError || started === null
      ? started
      : { started, role: "holders" };
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
    waitMs: number,
  ): Promise<Started | RegistryError | null> {
    const limits = await isQueued()
      ? QUEUED_PARENT_LIMITS
      : { ...PARENT_LIMITS, budgetMs: waitMs };
    for (const address of addresses) {
      const started = await whileAlive(
        deps,
        address,
        signal,
        async (alive): Promise<Started | RegistryError | null> => {
          const options = { range, signal: alive };
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
    { part, failed, stallMs }: Break,
    signal: AbortSignal,
  ): Promise<StartedBody | null> {
    metrics.count("peili_flight_rejoins_total", {});
    const options = { range: part, signal };
    const waitMs = Math.min(PARENT_LIMITS.budgetMs, REJOIN_STALLS * stallMs);
    const next = await obtain(request, options, [failed], waitMs);
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
    const part = sent.begin(digest, started.content.range?.start ?? 0);
    const content = peers.relay(request, started, {
      async goOn(broken) {
        flight.rejoins++;
        const next = await goOn(request, broken, signal);
        if (!next) await part.lowest();
        return next;
      },
      onEnd(whole, sources) {
        part.end();
        if (whole) flights.delivered(digest, [...sources]);
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

async function* peersOf(addresses: readonly string[]): AsyncIterable<Peer> {
  for (const address of addresses) yield { id: address, address };
}
