/**
 * The whole cluster as a content source: complete copies, copies that are still
 * being pulled, and the node's own turn to go upstream for all.
 *
 * @module
 */

import { abortScope } from "../async/abort_scope.ts";
import { sleep } from "../async/backoff.ts";
import { boundedMap } from "../async/bounded_map.ts";
import { deadline } from "../async/deadline.ts";
import { hedge } from "../async/hedge.ts";
import type {
  ContentSource,
  OpenContent,
  OpenOptions,
} from "../content/source.ts";
import type { PullState } from "../content/pull_state.ts";
import type { Flights } from "../flight/flights.ts";
import type { FlightReply } from "../flight/messages.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import type { RangeRequest } from "../oci/range.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { Peer } from "../routing/router.ts";
import type { Leads } from "./leads.ts";
import { mover } from "./mover.ts";
import { parts } from "./parts.ts";
import { queuedLeads } from "./queued.ts";
import type { StartedBody } from "./resume.ts";
import { CHECKED_MAX_BYTES, type Started } from "./start.ts";
import {
  exhausted,
  HOLDER_LIMITS,
  holders,
  swarm,
  type SwarmDeps,
} from "./swarm.ts";
import { type Limits, tries } from "./tries.ts";

/** What the cluster needs of other parts. */
export interface ClusterDeps extends SwarmDeps {
  /** Asks homes. */
  readonly flights: Pick<Flights, "join" | "delivered" | "follows" | "sit">;
  /** Sends this node upstream. */
  readonly leads: Leads;
  /** Tells how far this node's own pull of a digest is; only "pulling" counts. */
  readonly pullState: (digest: Digest) => Promise<PullState>;
}

/** How long the cluster is waited for. */
export interface ClusterOptions {
  /**
   * Milliseconds without a first byte after which home is asked again.
   *
   * @default {2_000}
   */
  readonly askAgainMs?: number;
  /**
   * Milliseconds until the first byte, however many homes and parents are
   * asked.
   *
   * @default {25_000}
   */
  readonly obtainMs?: number;
}

/** A parent that pulls: one at a time, or the same bytes would come twice. */
const PARENT_LIMITS: Omit<Limits, "budgetMs"> = {
  delayMs: 20_000,
  maxAttempts: 1,
  lateIsFailed: false,
};

/**
 * The first byte of a pull may take 20 s. Home is asked again this often, in ms,
 * meanwhile: it hears every second who is still there and who has bytes, so
 * nobody waits for a node that is gone, or two nodes for each other.
 */
const ASK_AGAIN_MS = 2_000;

/**
 * Where no redirect can be given, a lead queues behind this node's own waits
 * for others, and if everybody waits so, nobody leads: such a node waits this
 * long only, in ms.
 */
const QUEUED_MS = 150;

/** Parents and sets of holders that fail one request before it goes upstream. */
const MAX_FAILURES = 5;

/**
 * Milliseconds until the first byte, however many homes and parents are asked:
 * containerd 2.3 gives up at 30 s.
 */
const OBTAIN_MS = 25_000;

/** What asking came to: bytes, an answer, this node's turn, or nobody. */
type Obtained =
  | {
    readonly started: Started;
    readonly role: "holders" | "follow";
    readonly depth?: number | undefined;
  }
  | RegistryError
  | "lead"
  | null;

/** What home said to a node that pulls, or only looks. */
interface Told {
  readonly reply: FlightReply;
  readonly pulls: boolean;
}

/** Digests whose last holder is remembered. */
const MAX_RECENT = 1_024;

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
  const { askAgainMs = ASK_AGAIN_MS, obtainMs = OBTAIN_MS } = options;
  const { aside, flights, leads, log, metrics, pullState } = deps;
  const peers = tries(deps);
  const sent = parts();
  const queued = queuedLeads(pullState);
  const recent = boundedMap<Digest, string>(MAX_RECENT); // Who held it just now.

  /** Asks homes until somebody delivers, or it is this node's turn. */
  async function obtain(
    request: ContentRequest,
    { range, signal }: OpenOptions,
    failed: string[],
    stalled: string | null = null,
  ): Promise<Obtained> {
    const { digest } = request;
    using limit = deadline(signal, obtainMs);
    const options = { range, signal: limit.signal };
    const chunk = startOf(range) > 0 && await fromRecent(request, options);
    if (chunk) return chunk;
    const askHome = () => ask(request, options, failed, stalled);
    let told: Told | null = null;
    let mayLead = false;
    let failures = 0;
    while (failures < MAX_FAILURES && !limit.signal.aborted) {
      const { reply, pulls }: Told = told ?? await askHome();
      told = null;
      // Else the next one who asks would go upstream for nobody.
      if (signal.aborted) return null;
      mayLead = pulls;
      count(request, reply, failures);
      if (reply.kind === "lead" || reply.kind === "none") break;
      const started = await take(request, reply, options, askHome);
      if (started && "reply" in started) {
        told = started;
        continue;
      }
      if (started instanceof RegistryError) return started;
      if (started) {
        // Not always the first that home told.
        if (!request.plain) flights.follows(digest, started.from);
        if (reply.kind === "holders") recent.set(digest, started.from);
        const depth = reply.kind === "follow" ? reply.depth : undefined;
        return { started, role: reply.kind, depth };
      }
      failures++;
      const gone = reply.kind === "follow"
        ? reply.peers.slice(0, 1)
        : reply.peers;
      failed.push(...gone);
      if (stalled !== null && gone.includes(stalled)) stalled = null;
      log.debug("nobody of the flight delivers", { digest, failures });
    }
    if (signal.aborted) return null;
    if (failures > 0 || limit.signal.aborted) {
      metrics.count("peili_flight_waits_given_up_total", {});
    }
    if (mayLead) return "lead";
    const timedOut = limit.signal.aborted;
    return failed.length > 0 || timedOut
      ? exhausted(request.kind, digest, { attempts: failed.length, timedOut })
      : null;
  }

  /** Does what home said; what home says anew meanwhile comes back. */
  async function take(
    request: ContentRequest,
    reply: Extract<FlightReply, { peers: unknown }>,
    options: OpenOptions,
    askHome: () => Promise<Told>,
  ): Promise<Started | RegistryError | Told | null> {
    const [first] = reply.peers;
    if (reply.kind === "holders" || first === undefined) {
      return await fromHolders(request, reply.peers, options);
    }
    if (!await queued.isWaiting()) {
      return await follow(request, first, options, askHome);
    }
    const limits = { ...PARENT_LIMITS, budgetMs: QUEUED_MS };
    const parent = peersOf([first]);
    return (await peers.start(parent, request, options, limits)).value;
  }

  async function ask(
    request: ContentRequest,
    { range, signal }: OpenOptions,
    failed: readonly string[],
    stalled: string | null,
  ): Promise<Told> {
    const { digest } = request;
    // What this node's containerd pulls meanwhile is nothing to such a client.
    const own = request.plain ? null : await pullState(digest);
    const join = (pulls: boolean, known: readonly string[]) =>
      flights.join({
        digest,
        mayLead: pulls,
        offset: own?.kind === "pulling" ? own.offset : startOf(range),
        total: own?.kind === "pulling" ? own.total : 0,
        holders: known,
        failed,
        stalled,
        signal,
      });
    const found = firstHolder(request, failed, signal);
    const pulls = own?.kind === "pulling";
    if (pulls) {
      const known = await found;
      // Home would say the same: of what is small a holder has streams enough.
      return isSmall(own.total) && known.length > 0
        ? { reply: { kind: "holders", peers: known }, pulls }
        : { reply: await join(pulls, known), pulls };
    }
    // One that only looks takes no place, so nobody need decide: ask at once.
    const [peers, reply] = await Promise.all([found, join(pulls, [])]);
    return peers.length > 0
      ? { reply: { kind: "holders", peers }, pulls }
      : { reply, pulls };
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

  /**
   * Follows the one that home chose. Another one would be unknown to home, and
   * two nodes could wait for each other: whoever fails is told instead, and
   * while one has no byte, or not all of what is small, home is asked again. As
   * long as it says the same, what is under way goes on.
   */
  async function follow(
    request: ContentRequest,
    address: string,
    { range, signal }: OpenOptions,
    askHome: () => Promise<Told>,
  ): Promise<Started | RegistryError | Told | null> {
    using leave = abortScope(signal);
    const options = { range, signal: leave.signal };
    const limits = { ...PARENT_LIMITS, budgetMs: obtainMs };
    const parent = peersOf([address]);
    using done = abortScope(signal);
    const started = peers.start(parent, request, options, limits)
      .finally(() => done.abort());
    while (true) {
      await sleep(askAgainMs, done.signal);
      if (done.signal.aborted) return (await started).value;
      const told = await askHome();
      const { reply } = told;
      if (reply.kind === "follow" && reply.peers[0] === address) continue;
      leave.abort();
      // It may have begun in the same moment: then there is no need to move.
      return (await started).value ?? told;
    }
  }

  async function lead(request: ContentRequest): Promise<null> {
    const redirect = await leads.redirect(request);
    if (redirect) throw redirect;
    queued.add(request.digest);
    return null;
  }

  /** Goes on elsewhere in mid-body; told to lead, it ends the body. */
  async function goOn(
    request: ContentRequest,
    options: OpenOptions,
    failed: string[],
    stalled: string | null,
  ): Promise<StartedBody | null> {
    metrics.count("peili_flight_rejoins_total", {});
    return ended(request, await obtain(request, options, failed, stalled));
  }

  /** Goes where home sent it in mid-body; nobody there, it asks anew. */
  async function goTo(
    request: ContentRequest,
    options: OpenOptions,
    order: FlightReply,
  ): Promise<StartedBody | null> {
    metrics.count("peili_flight_moves_total", { decision: order.kind });
    if (!("peers" in order)) return ended(request, "lead");
    const started = await fromHolders(request, order.peers, options);
    if (started === null || started instanceof RegistryError) {
      return await goOn(request, options, [...order.peers], null);
    }
    flights.follows(request.digest, started.from);
    return started;
  }

  function ended(request: ContentRequest, next: Obtained): StartedBody | null {
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
    { started, role, depth }: Exclude<Obtained, RegistryError | string | null>,
    signal: AbortSignal,
  ): OpenContent {
    const { digest, plain } = request;
    const flight = { role, ...depth ? { depth } : {}, rejoins: 0 };
    const broke = new Set<string>();
    const { descriptor: { size }, range } = started.content;
    // The end of a chunk is not the end of the pull.
    const hasLast = range === null || range.end === size - 1;
    const part = plain ? null : sent.begin(digest, range?.start ?? 0);
    const seat = plain ? null : mover(flights, digest);
    const content = peers.relay(request, started, {
      onBegin: (source) => seat?.begin(source),
      async goOn(range, failed, reason) {
        flight.rejoins++;
        const order = seat?.takeOrder();
        const rest = { range, signal };
        if (reason !== "better") broke.add(failed);
        // Long ago is no reason: in the end nobody would be left but upstream.
        const recent = [...broke].filter((one) => aside.has(one, digest));
        const stalled = reason === "stalled" ? failed : null;
        const next = order
          ? await goTo(request, rest, order)
          : await goOn(request, rest, recent, stalled);
        if (!next) await part?.lowest();
        return next;
      },
      onEnd(whole, sources) {
        part?.end();
        seat?.[Symbol.dispose]();
        if (plain || !whole || !hasLast) return;
        flights.delivered(digest, [...sources]);
      },
    });
    return { ...content, flight };
  }

  return {
    ...swarm(deps),
    async open(request, options) {
      const { digest, plain } = request;
      if (!plain && leads.takeDecided(digest)) return await lead(request);
      const got = await obtain(request, options, []);
      if (got === "lead") return await lead(request);
      if (got instanceof RegistryError) throw got;
      return got && relay(request, got, options.signal);
    },
  };
}

function isSmall(total: number): boolean {
  return total > 0 && total <= CHECKED_MAX_BYTES;
}

function startOf(range: RangeRequest | undefined): number {
  return range && "start" in range ? range.start : 0;
}

async function* peersOf(addresses: readonly string[]): AsyncIterable<Peer> {
  for (const address of addresses) yield { id: address, address };
}
