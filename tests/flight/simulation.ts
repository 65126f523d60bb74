/**
 * A cluster that pulls the same content at once, in simulated time: nodes as
 * `flights.ts` and a mirror make them, around real homes, with all that can
 * befall them.
 *
 * @module
 */

import { emptyHome, expire, HOLDER_TTL_MS } from "../../src/flight/home.ts";
import type {
  FlightReply,
  ProgressMessage,
} from "../../src/flight/messages.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { type Random, random } from "../suites/random.ts";
import { circles } from "./simulated_circles.ts";
import { type Costs, costs } from "./simulated_costs.ts";
import {
  ASIDE_MS,
  BYTES,
  endOf,
  FIRST_BYTE_MS,
  isOpen,
  isTold,
  LEAVE_MS,
  newNode,
  newPull,
  type Node,
  PEER_RATE,
  progressOf,
  type Pull,
  REPORT_MS,
  SLOW_RATE,
  STALL_MS,
  TICK_MS,
  UPSTREAM_RATE,
} from "./simulated_pull.ts";
import {
  type SimulatedNetwork,
  simulatedNetwork,
} from "./simulated_network.ts";
import type { Misfortune, Outcome, Plan } from "./simulated_plan.ts";
import { type SimulatedTime, simulatedTime } from "./simulated_time.ts";

/** Misfortunes end in this time, in ms. */
const TROUBLE_MS = 12_000;
/** A node that comes knows all others, and they it, after so long, in ms. */
const KNOWN_MS = 1_000;
/** A plan that takes longer has failed. */
const END_MS = 240_000;

/**
 * Lets a plan happen.
 *
 * @param plan What is to happen
 * @param events Takes what happens, in words; much faster without
 * @returns How it went
 */
export function simulate(plan: Plan, events?: string[]): Outcome {
  return new Simulation(plan, events).run();
}

/** All that goes on; a class because everything in it changes all the time. */
class Simulation {
  readonly #plan: Plan;
  readonly #events: string[] | undefined;
  readonly #numbers: Random;
  readonly #time: SimulatedTime = simulatedTime();
  readonly #network: SimulatedNetwork;
  readonly #nodes: Node[];
  readonly #digests: Digest[];
  readonly #costs: Costs;
  readonly #circles = circles();
  #quietAt = 0;
  #lastEnd = 0;
  #most = 0;
  #corruptions = 0;

  constructor(plan: Plan, events: string[] | undefined) {
    this.#plan = plan;
    this.#events = events;
    this.#numbers = random(plan.seed);
    this.#network = simulatedNetwork(this.#time, this.#numbers, plan, plan);
    this.#nodes = Array.from(
      { length: plan.nodes },
      (_, index) => newNode(this.#network.station(`n${index}`)),
    );
    this.#digests = Array.from(
      { length: plan.digests },
      (_, index) => digestOf(`${plan.seed} ${index}`),
    );
    this.#costs = costs(this.#digests);
  }

  run(): Outcome {
    const { spreadMs, misfortunes } = this.#plan;
    const come = misfortunes.filter((one) => one === "newcomer").length;
    const known = this.#nodes.slice(Math.min(come, this.#nodes.length - 1));
    known.forEach((node) =>
      known.forEach(({ station }) => node.station.peers.add(station))
    );
    for (const node of this.#nodes) {
      node.station.peers.add(node.station);
      node.station.alive = known.includes(node);
      if (known.includes(node)) this.#begin(node, this.#below(spreadMs + 1));
      this.#after(this.#below(REPORT_MS), () => this.#report(node));
    }
    let comes = 0;
    for (const misfortune of misfortunes) {
      const newcomer = this.#nodes[comes];
      if (misfortune === "slow") {
        this.#slow(this.#anyOf(known));
        continue;
      }
      const at = this.#below(TROUBLE_MS);
      this.#quietAt = Math.max(this.#quietAt, at, spreadMs);
      if (misfortune !== "newcomer") {
        this.#after(at, () => this.#befall(misfortune));
      } else if (newcomer && !known.includes(newcomer)) {
        comes++;
        this.#after(at, () => this.#arrive(newcomer));
      }
    }
    this.#after(TICK_MS, () => this.#tick());
    return this.#outcome();
  }

  #outcome(): Outcome {
    while (this.#time.now() < END_MS && !this.#isOver()) {
      this.#time.runUntil(this.#time.now() + REPORT_MS);
    }
    const waiting = this.#living().flatMap(({ pulls, station }) =>
      [...pulls.values()].filter(isOpen)
        .map(({ state, offset }) => `${station.address} ${state} ${offset}`)
    );
    this.#time.runUntil(this.#time.now() + 10 * LEAVE_MS);
    const later = this.#time.now() + HOLDER_TTL_MS + 1;
    const homes = this.#nodes.map(({ station }) => station.home);
    homes.forEach((home) => expire(home, later));
    return {
      waiting,
      flown: this.#costs.flown(this.#network.astray),
      lastMs: Math.max(0, this.#lastEnd - this.#quietAt),
      circleMs: this.#circles.longestMs,
      left: homes.reduce((sum, { flights }) => sum + flights.size, 0),
      most: this.#most,
    };
  }

  #isOver(): boolean {
    return this.#time.now() > Math.max(this.#quietAt, this.#plan.spreadMs) &&
      !this.#living().some(({ pulls }) => pulls.values().some(isOpen));
  }

  #begin(node: Node, inMs: number): void {
    for (const digest of this.#digests) {
      this.#after(inMs + this.#below(50), () => this.#pull(node, digest));
    }
  }

  #pull(node: Node, digest: Digest): void {
    const open = node.pulls.get(digest);
    if (!node.station.alive || node.has.has(digest) || open && isOpen(open)) {
      return;
    }
    const pull = newPull(digest, this.#time.now());
    node.pulls.set(digest, pull);
    this.#ask(node, pull);
  }

  #ask(node: Node, pull: Pull): void {
    pull.state = "asks";
    pull.parent = null;
    this.#question(node, pull, (reply) => {
      if (pull.state !== "asks") return;
      this.#note(node, pull, "is told", reply);
      this.#obey(node, pull, reply ?? { kind: "lead" });
    });
  }

  /** Asks on while it waits for a first byte: its place may have changed. */
  #askOn(node: Node, pull: Pull): void {
    const { parent } = pull;
    pull.askedAt = this.#time.now();
    this.#question(node, pull, (reply) => {
      const waits = pull.state === "follows" && !pull.flows;
      if (!reply || !waits || pull.parent !== parent) return;
      const first = "peers" in reply ? reply.peers[0] : null;
      if (first === parent?.station.address) return;
      this.#note(node, pull, "is told otherwise", reply);
      this.#obey(node, pull, reply);
    });
  }

  #question(
    node: Node,
    pull: Pull,
    answered: (reply: FlightReply | null) => void,
  ): void {
    const { digest, offset, failed, stalled } = pull;
    const message = {
      kind: "join",
      digest,
      from: node.station.address,
      mayLead: true,
      peek: false,
      offset,
      total: BYTES,
      holders: this.#advertised(node, digest),
      failed: [...failed],
      stalled,
    } as const;
    const isNew = failed.size === 0 && pull.told === null;
    this.#network.ask(node.station, message, isNew, (reply) => {
      if (node.pulls.get(digest) === pull) answered(reply);
    });
  }

  /** What discovery finds: not all, and not only what is true. */
  #advertised(node: Node, digest: Digest): string[] {
    return this.#nodes.filter((other) =>
      other !== node && other.has.has(digest) && this.#below(4) === 0
    ).map(({ station }) => station.address);
  }

  #obey(node: Node, pull: Pull, reply: FlightReply): void {
    if (!("peers" in reply)) return this.#goUpstream(node, pull, reply.kind);
    pull.others = reply.peers.flatMap((address) =>
      this.#nodes.filter(({ station }) => station.address === address)
    );
    this.#next(node, pull);
  }

  #goUpstream(node: Node, pull: Pull, why: "lead" | "none" | "corrupt"): void {
    this.#costs.start(pull.digest, why === "lead" ? why : "alone");
    pull.state = "upstream";
    pull.told = why === "corrupt" ? null : { parent: null };
    pull.grewAt = this.#time.now();
    pull.starvesUntil = this.#time.now() + 20 + this.#below(400);
    this.#note(node, pull, "goes upstream", why);
    const news = why === "lead" && progressOf(node, pull, this.#time.now());
    if (news) this.#network.tellAll(node.station, news);
  }

  /** Takes from the next that was told, or asks again. */
  #next(node: Node, pull: Pull): void {
    const parent = pull.others.shift();
    if (!parent) return this.#ask(node, pull);
    pull.state = "follows";
    pull.parent = parent;
    pull.told = { parent: parent.station.address };
    pull.grewAt = this.#time.now();
    pull.askedAt = this.#time.now();
    pull.flows = false;
    this.#note(node, pull, "follows", parent.station.address);
  }

  /** The parent is gone: another that was told. It gives nothing: ask again. */
  #fail(node: Node, pull: Pull, why: "gone" | "silent"): void {
    const { parent, failed } = pull;
    if (!parent) return;
    const { address } = parent.station;
    this.#note(node, pull, `is failed, ${why}`, address);
    failed.add(address);
    pull.stalled = pull.flows && why === "silent" ? address : null;
    this.#after(ASIDE_MS, () => failed.delete(address));
    if (pull.flows || why === "silent") pull.others = [];
    this.#next(node, pull);
  }

  #complete(node: Node, pull: Pull): void {
    if (node.linkRate === PEER_RATE) this.#lastEnd = this.#time.now();
    if (!pull.corrupt) {
      node.has.add(pull.digest);
      this.#end(node, pull, "complete");
      return;
    }
    this.#end(node, pull, "given up");
    pull.endIsHeard = true;
    this.#network.tellAll(node.station, endOf(node, pull));
    // Its next try goes upstream without a question.
    this.#after(1_000, () => {
      if (!node.station.alive || node.pulls.get(pull.digest) !== pull) return;
      const again: Pull = { ...pull, offset: 0, corrupt: false };
      node.pulls.set(pull.digest, again);
      this.#goUpstream(node, again, "corrupt");
    });
  }

  #end(node: Node, pull: Pull, state: "complete" | "given up"): void {
    pull.state = state;
    pull.parent = null;
    pull.endedAt = this.#time.now();
    this.#note(node, pull, state);
  }

  #report(node: Node): void {
    this.#after(REPORT_MS, () => this.#report(node));
    const { station } = node;
    if (!station.alive) return;
    expire(station.home, this.#time.now());
    for (const pull of node.pulls.values()) {
      if (isOpen(pull)) {
        const news = progressOf(node, pull, this.#time.now());
        if (!news) continue;
        if (news.parent === null) this.#network.tellAll(station, news);
        else this.#tell(node, pull, news);
      } else if (!pull.endIsHeard && isTold(pull, this.#time.now())) {
        const end = endOf(node, pull);
        if (pull.told?.parent === null) this.#network.tellAll(station, end);
        this.#network.tell(station, end, (reply) => {
          pull.endIsHeard ||= reply !== null;
        });
      }
    }
  }

  /** Tells how far it is, and goes where home says that it is better. */
  #tell(node: Node, pull: Pull, news: ProgressMessage): void {
    const { parent } = pull;
    this.#network.tell(node.station, news, (reply) => {
      const isThere = node.pulls.get(pull.digest) === pull && pull.flows &&
        pull.state === "follows" && pull.parent === parent;
      if (!isThere || !reply || reply.kind === "none") return;
      this.#note(node, pull, "is moved", reply);
      this.#obey(node, pull, reply);
      pull.flows = pull.state === "follows"; // Silent, it is left soon.
    });
  }

  #tick(): void {
    if (this.#time.now() < END_MS) this.#after(TICK_MS, () => this.#tick());
    for (const node of this.#living()) {
      if (node.hangsUntil > this.#time.now()) continue;
      for (const pull of node.pulls.values()) {
        if (pull.state === "upstream") this.#flowFromUpstream(node, pull);
        if (pull.state === "follows") this.#flowFromParent(node, pull);
      }
      for (const { members, holders } of node.station.home.flights.values()) {
        this.#most = Math.max(this.#most, members.size, holders.size);
      }
    }
    const now = this.#time.now();
    this.#digests.forEach((one) => this.#circles.watch(this.#nodes, one, now));
  }

  #flowFromUpstream(node: Node, pull: Pull): void {
    // Starved, it is others of its downloads that get the bytes.
    if (pull.offset > 0) node.gotAt = this.#time.now();
    if (pull.starvesUntil > this.#time.now()) return;
    const { upstreamRate = UPSTREAM_RATE } = this.#plan;
    const rate = Math.min(upstreamRate, node.linkRate);
    const bytes = Math.min(rate * TICK_MS, BYTES - pull.offset);
    this.#costs.send(pull.digest, bytes);
    this.#grow(node, pull, bytes);
  }

  #flowFromParent(node: Node, pull: Pull): void {
    const { parent, digest } = pull;
    if (!parent) return;
    const from = parent.pulls.get(digest);
    const reached = parent.station.alive && !node.cut.has(parent);
    const has = parent.has.has(digest);
    // Refused, "not here", or a body that ends: at once. All else is silence.
    if (reached && !has && !(from && isOpen(from))) {
      return this.#fail(node, pull, "gone");
    }
    const there = !reached ? 0 : has ? BYTES : from?.offset ?? 0;
    const rate = Math.min(node.linkRate, parent.linkRate);
    const bytes = Math.min(rate * TICK_MS, there - pull.offset);
    if (bytes > 0) {
      pull.corrupt ||= !has && (from?.corrupt ?? false);
      pull.flows = true;
      return this.#grow(node, pull, bytes);
    }
    const waits = reached && !pull.flows;
    if (waits && this.#time.now() - pull.askedAt >= STALL_MS) {
      this.#askOn(node, pull);
    }
    const patience = waits ? FIRST_BYTE_MS : STALL_MS;
    if (this.#time.now() - pull.grewAt >= patience) {
      this.#fail(node, pull, "silent");
    }
  }

  #grow(node: Node, pull: Pull, bytes: number): void {
    pull.offset += bytes;
    pull.grewAt = this.#time.now();
    if (pull.offset === BYTES) this.#complete(node, pull);
  }

  #befall(misfortune: Misfortune): void {
    const node = this.#anyOf(this.#living());
    const pull = node && this.#anyOf([...node.pulls.values()].filter(isOpen));
    if (!node) return;
    this.#note(node, pull, misfortune);
    if (misfortune === "crash") return this.#crash(node);
    if (misfortune === "amnesia") {
      node.station.home = emptyHome();
      return this.#costs.excuse();
    }
    if (misfortune === "hang") {
      node.hangsUntil = this.#untilLater();
      return this.#costs.excuse();
    }
    if (misfortune === "cut") {
      const other = this.#anyOf(this.#nodes.filter((one) => one !== node));
      if (other) node.cut.add(other);
      return this.#costs.excuse();
    }
    if (misfortune === "collect") {
      const digest = this.#anyOf([...node.has]);
      if (!digest) return;
      node.has.delete(digest);
      return this.#costs.excuse(digest);
    }
    if (!pull) return;
    if (misfortune === "starve") {
      if (pull.state === "upstream") pull.starvesUntil = this.#untilLater();
      return; // No reason for another copy.
    }
    this.#costs.excuse(pull.digest);
    if (misfortune === "cancel") this.#end(node, pull, "given up");
    if (pull.state !== "upstream") return;
    if (misfortune === "break") this.#ask(node, pull);
    if (misfortune === "corrupt" && this.#corruptions++ === 0) {
      pull.corrupt = true;
      // All who took of it go upstream once.
      this.#costs.excuse(pull.digest, 2 * this.#nodes.length);
    }
  }

  #slow(node: Node | undefined): void {
    if (node) node.linkRate = SLOW_RATE;
    this.#costs.excuse(); // Somebody may lead beside it.
  }

  #crash(node: Node): void {
    const { station } = node;
    this.#costs.excuse(null, 2); // It may have led, and been home to those who lead.
    station.alive = false;
    station.home = emptyHome();
    node.pulls.clear();
    node.has.clear();
    for (const { station: other } of this.#nodes) {
      if (other !== station) {
        this.#after(this.#below(3_000), () => other.peers.delete(station));
      }
    }
    const back = 4_000 + this.#below(4_000);
    this.#quietAt = Math.max(this.#quietAt, this.#time.now() + back + 1_000);
    if (this.#below(2) === 0) this.#after(back, () => this.#arrive(node));
  }

  /** Comes, is made known to one after another, and pulls when it knows all. */
  #arrive(node: Node): void {
    node.station.alive = true;
    this.#quietAt = Math.max(this.#quietAt, this.#time.now() + KNOWN_MS);
    this.#costs.excuse(null, 2); // Two homes, while not all know of it.
    for (const other of this.#living()) {
      this.#after(this.#below(KNOWN_MS), () => {
        other.station.peers.add(node.station);
        node.station.peers.add(other.station);
      });
    }
    this.#begin(node, KNOWN_MS);
  }

  #untilLater(): number {
    const until = this.#time.now() + 1_000 + this.#below(9_000);
    this.#quietAt = Math.max(this.#quietAt, until);
    return until;
  }

  #living(): Node[] {
    return this.#nodes.filter(({ station }) => station.alive);
  }

  #anyOf<T>(all: readonly T[]): T | undefined {
    return all[this.#below(all.length)];
  }

  readonly #below = (limit: number) => this.#numbers.below(limit);
  readonly #after = (ms: number, happen: () => void) =>
    this.#time.after(ms, happen);

  #note(
    { station }: Node,
    pull: Pull | undefined,
    what: string,
    detail?: FlightReply | string | null,
  ): void {
    if (!this.#events) return;
    const piece = pull ? ` d${this.#digests.indexOf(pull.digest)}` : "";
    const at = pull ? ` at ${pull.offset}` : "";
    const more = detail === undefined ? "" : ` ${JSON.stringify(detail)}`;
    const line = `${station.address}${piece}${at} ${what}${more}`;
    this.#events.push(`${this.#time.now()} ms ${line}`);
  }
}
