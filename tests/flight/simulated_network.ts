/**
 * What nodes say to homes, over a network that may lose, double and reorder it.
 *
 * @module
 */

import {
  emptyHome,
  handle,
  type HomeOptions,
  type HomeState,
} from "../../src/flight/home.ts";
import type {
  FlightMessage,
  FlightReply,
  JoinMessage,
} from "../../src/flight/messages.ts";
import type { Digest } from "../../src/oci/digest.ts";
import type { Random } from "../suites/random.ts";
import type { SimulatedTime } from "./simulated_time.ts";

/** How bad a network is. */
export interface NetworkFaults {
  /** Messages and replies that are lost, of a hundred. */
  readonly lostPercent: number;
  /** Messages that come twice, of a hundred. */
  readonly doubledPercent: number;
}

/** A node as the network sees it. */
export interface Station {
  /** What others call it. */
  readonly address: string;
  /** False while it is dead. */
  alive: boolean;
  /** What it knows as home. */
  home: HomeState;
  /** Those whom it takes for alive, itself included. */
  readonly peers: Set<Station>;
}

/** What homes are asked, as a node's side of flights asks them. */
export interface SimulatedNetwork {
  /** Adds a node, alive and known to nobody. */
  station(address: string): Station;
  /** The order in which a node asks the homes of a digest. */
  homes(station: Station, digest: Digest): Station[];
  /**
   * Asks as `join()` does, and hears what is to be done; null when nobody answers.
   * One that is new was told of nobody before.
   */
  ask(
    station: Station,
    message: JoinMessage,
    isNew: boolean,
    decided: (reply: FlightReply | null) => void,
  ): void;
  /**
   * Tells the first home that answers, and hears what it says if it is the first of
   * all; null if none answers.
   */
  tell(
    station: Station,
    message: FlightMessage,
    heard: (reply: FlightReply | null) => void,
  ): void;
  /** Tells all homes, as one that leads does. */
  tellAll(station: Station, message: FlightMessage): void;
  /** Questions that the first home did not answer, by digest. */
  readonly astray: Map<Digest, number>;
}

/** As in `flights.ts`. */
const HOMES = 3;
const ANSWER_MS = 500;
const SECOND_WORD_MS = 150;

/** The longest way of a message or of a reply, in ms; the two fit an answer. */
const WAY_MS = 200;

const NOTHING: FlightReply = { kind: "none" };

/** Makes a network without nodes. */
export function simulatedNetwork(
  time: SimulatedTime,
  numbers: Random,
  faults: NetworkFaults,
  options: HomeOptions,
): SimulatedNetwork {
  const ranks = new Map<Digest, Map<Station, number>>();
  const astray = new Map<Digest, number>();
  const happens = (percent: number) => numbers.below(100) < percent;
  const way = () => 1 + numbers.below(happens(10) ? WAY_MS : 20);

  /** Delivers a message once or twice; the answer comes once or not at all. */
  function send(
    from: Station,
    to: Station,
    message: FlightMessage,
    answered: (reply: FlightReply | null) => void,
  ): void {
    if (from === to) return answered(deliver(to, message));
    let open = true;
    const answer = (reply: FlightReply | null) => {
      if (open) answered(reply);
      open = false;
    };
    time.after(ANSWER_MS, () => answer(null));
    if (happens(faults.lostPercent)) return;
    if (happens(faults.doubledPercent)) {
      time.after(numbers.below(2 * WAY_MS), () => deliver(to, message));
    }
    time.after(way(), () => {
      const reply = deliver(to, message);
      // The dead refuse at once, or are silent.
      if (reply ? happens(faults.lostPercent) : happens(50)) return;
      time.after(way(), () => answer(reply));
    });
  }

  function deliver(to: Station, message: FlightMessage): FlightReply | null {
    return to.alive ? handle(to.home, message, time.now(), options) : null;
  }

  function homes(station: Station, digest: Digest): Station[] {
    const rank = ranks.get(digest) ?? new Map<Station, number>();
    ranks.set(digest, rank);
    const rankOf = (peer: Station) => {
      const known = rank.get(peer) ?? numbers.below(2 ** 30);
      rank.set(peer, known);
      return known;
    };
    return [...station.peers].sort((a, b) => rankOf(a) - rankOf(b))
      .slice(0, HOMES);
  }

  /** Tries one home after another, each so many times. */
  function oneByOne(
    station: Station,
    message: FlightMessage,
    tries: readonly Station[],
    done: (reply: FlightReply | null, from: Station | null) => void,
  ): void {
    const [home, ...others] = tries;
    if (!home) return done(null, null);
    send(station, home, message, (reply) => {
      if (reply) done(reply, home);
      else oneByOne(station, message, others, done);
    });
  }

  return {
    homes,
    astray,
    station: (address) => ({
      address,
      alive: true,
      home: emptyHome(),
      peers: new Set(),
    }),
    ask(station, message, isNew, decided) {
      const { digest } = message;
      const all = homes(station, digest);
      let known: FlightReply | null = null;
      for (const other of all.slice(1)) {
        send(station, other, { ...message, peek: true }, (reply) => {
          const counts = reply?.kind === "holders" ||
            reply?.kind === "follow" && isNew;
          if (counts) known ??= reply;
        });
      }
      const twice = all.flatMap((peer) => [peer, peer]);
      send(station, all[0] ?? station, message, (reply) => {
        if (!reply) astray.set(digest, (astray.get(digest) ?? 0) + 1);
        const decide = (reply: FlightReply | null) => {
          if (reply && "peers" in reply) return decided(reply);
          time.after(SECOND_WORD_MS, () => decided(known ?? reply));
        };
        if (reply) decide(reply);
        else oneByOne(station, message, twice.slice(1), decide);
      });
    },
    tellAll(station, message) {
      for (const home of homes(station, message.digest)) {
        send(station, home, message, () => {});
      }
    },
    tell(station, message, heard) {
      const all = homes(station, message.digest);
      oneByOne(station, message, all, (reply, from) => {
        heard(reply && from !== all[0] ? NOTHING : reply);
      });
    },
  };
}
