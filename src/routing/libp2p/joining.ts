/**
 * Getting into the network: asking where members are until one is met, and again
 * while few are known.
 *
 * @module
 */

import { backoff, sleep } from "../../async/backoff.ts";
import { deadline } from "../../async/deadline.ts";
import type { Log } from "../../log.ts";
import type { Readiness } from "../router.ts";

/** Tells where members of the network may be. */
export interface Bootstrap {
  /** What it is, for people: `dns peili.example`. */
  readonly name: string;
  /**
   * Asks once.
   *
   * @returns `host:port` of routers; this node's own may be among them
   * @throws {Error} If nobody answers
   */
  find(signal: AbortSignal): Promise<readonly string[]>;
}

/** What joining needs of other parts. */
export interface JoiningDeps {
  readonly bootstrap: Bootstrap;
  /** Connects to whoever is at an address; null: this node itself. */
  readonly meet: (
    address: string,
    signal: AbortSignal,
  ) => Promise<string | null>;
  /** True for addresses of members that this node is connected to. */
  readonly isMet: (address: string) => boolean;
  /** How many members this node is connected to. */
  readonly links: () => number;
  readonly log: Log;
}

/** Joining. */
export interface Joining {
  /** Joins, and stays joined, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** A member that knows all has told them. */
  told(): void;
  /** True once this node knows all members, or that it is alone. */
  filled(): boolean;
  /** The same for people. */
  ready(): Readiness;
}

/** First and longest wait after a try that led to nobody, in ms. */
const RETRY = { initialMs: 50, maxMs: 10_000 };

/** Milliseconds between two questions while few members are known. */
const FEW_MS = 30_000;

/** Members that are not few: those may be found by others. */
const FEW = 20;

/** Milliseconds for one question, and for one address. */
const FIND_MS = 5_000;
const MEET_MS = 2_000;

/** Addresses of one answer that are tried, and at once. */
const MAX_ADDRESSES = 1_024;
const MAX_AT_ONCE = 16;

/** Milliseconds of trying after which a node takes itself for alone. */
const ALONE_MS = 10_000;

/** Makes joining. */
export function joining(deps: JoiningDeps): Joining {
  const { bootstrap, meet, isMet, links, log } = deps;
  const delays = backoff(RETRY);
  const since = performance.now();
  let complete = false; // A round of addresses was tried, or a member told all.
  let reason = `${bootstrap.name} has not answered yet`;
  let failing = false;

  async function find(signal: AbortSignal): Promise<readonly string[] | null> {
    using limit = deadline(signal, FIND_MS);
    try {
      const addresses = await bootstrap.find(limit.signal);
      failing = false;
      return addresses.slice(0, MAX_ADDRESSES);
    } catch (error) {
      if (signal.aborted) return null;
      const why = error instanceof Error ? error.message : String(error);
      reason = `${bootstrap.name} does not answer: ${why}`;
      if (!failing) log.warn("bootstrap does not answer", { error });
      failing = true;
      return null;
    }
  }

  async function tryAll(
    addresses: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const rest = addresses.filter((address) => !isMet(address)).values();
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, async () => {
      for (const address of rest) {
        using limit = deadline(signal, MEET_MS);
        try {
          await meet(address, limit.signal);
        } catch (error) {
          if (signal.aborted) return;
          log.debug("nobody to join at an address", { peer: address, error });
        }
      }
    }));
  }

  async function round(signal: AbortSignal): Promise<void> {
    const addresses = await find(signal);
    if (!addresses) return;
    reason = `${addresses.length} addresses of ${bootstrap.name} are tried`;
    await tryAll(addresses, signal);
    complete ||= !signal.aborted;
  }

  const filled = () => complete || performance.now() - since > ALONE_MS;

  return {
    async run(signal) {
      while (!signal.aborted) {
        if (links() < FEW) await round(signal);
        if (links() === 0) {
          await sleep(delays.next(), signal);
          continue;
        }
        delays.reset();
        const end = performance.now() + FEW_MS;
        while (links() > 0 && performance.now() < end && !signal.aborted) {
          await sleep(RETRY.initialMs * 10, signal);
        }
      }
    },
    told: () => void (complete = true),
    filled,
    ready: () => filled() ? { ready: true } : { ready: false, reason },
  };
}
