/**
 * Joining the others: asks a bootstrap until there is somebody, and again while
 * few are known, forever.
 *
 * @module
 */

import { backoff } from "../../async/backoff.ts";
import { type Clock, REAL_CLOCK } from "../../async/clock.ts";
import { deadline } from "../../async/deadline.ts";
import type { Log } from "../../log.ts";
import type { Readiness } from "../router.ts";
import type { Bootstrap } from "./bootstrap.ts";
import { splitId } from "./multiaddr.ts";

/** What joining needs of other parts. */
export interface JoiningDeps {
  /** Names nodes. */
  readonly bootstrap: Bootstrap;
  /**
   * Tries to reach nodes; whoever can be is known after it. They come without
   * this one, and in a random order, so that they share the load of those who
   * join; some may be known already.
   */
  readonly reach: (
    addresses: readonly string[],
    signal: AbortSignal,
  ) => Promise<void>;
  /** How many nodes are known now, beside this one. */
  readonly known: () => number;
  /** This node: its id, and its multiaddrs as far as it knows them. */
  readonly self: () => {
    readonly id: string;
    readonly addresses: readonly string[];
  };
  /** Hears what comes of it. */
  readonly log: Log;
  /**
   * Time between tries.
   *
   * @default {The real time}
   */
  readonly clock?: Clock;
  /**
   * Mixes addresses and delays, 0 to 1.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** What came of the last try. */
export type JoinOutcome =
  /** Nothing yet. */
  | { readonly kind: "asking" }
  /** Others are known. */
  | { readonly kind: "joined" }
  /** The bootstrap does not answer. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** It names nobody: it may not know, or its name may be wrong. */
  | { readonly kind: "nobody" }
  /** It names this node and no other. */
  | { readonly kind: "alone" }
  /** It names others, of whom none can be reached. */
  | { readonly kind: "unreachable"; readonly named: number };

/** Joining, which begins when it runs. */
export interface Joining {
  /** Joins, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Ready when others are known, when this node knows that it is alone, or
   * after 10 s of trying; from then on for good.
   */
  ready(): Readiness;
  /** What came of the last try. */
  outcome(): JoinOutcome;
}

/** First and longest delay between tries while nobody is known, in ms. */
const RETRY = { initialMs: 50, maxMs: 10_000 };

/**
 * Nodes below which more are looked for: a bucket of Kademlia's table has 20.
 */
const FEW = 20;

/** Milliseconds between two tries while somebody is known. */
const AGAIN_MS = 30_000;

/** Milliseconds after which a node that lost everybody asks again. */
const LOOK_MS = 1_000;

/** Milliseconds for the bootstrap's answer; DNS answers 1,000 records in 0.1 s. */
const FIND_MS = 5_000;

/** Milliseconds for reaching those that it names: many of them may be gone. */
const REACH_MS = 10_000;

/** Milliseconds of trying after which a node counts as alone. */
const ALONE_AFTER_MS = 10_000;

/**
 * Makes the joining of one node.
 *
 * @param deps Bootstrap and how nodes are reached
 * @returns The joining
 */
export function joining(deps: JoiningDeps): Joining {
  const { bootstrap, reach, known, self, log } = deps;
  const { clock = REAL_CLOCK, random = Math.random } = deps;
  let began: number | null = null;
  let outcome: JoinOutcome = { kind: "asking" };
  let settled = false;

  async function attempt(signal: AbortSignal): Promise<JoinOutcome> {
    let named: readonly string[];
    try {
      using limit = deadline(signal, FIND_MS);
      named = await bootstrap.find(limit.signal);
    } catch (error) {
      return { kind: "failed", error };
    }
    const others = withoutSelf(named, self());
    if (others.length === 0) {
      return { kind: named.length > 0 ? "alone" : "nobody" };
    }
    using limit = deadline(signal, REACH_MS);
    try {
      await reach(shuffled(others, random), limit.signal);
    } catch (error) {
      log.debug("named nodes cannot be reached", { error });
    }
    return { kind: "unreachable", named: others.length };
  }

  function tell(next: JoinOutcome): void {
    if (next.kind === "joined" || next.kind === "alone") settled = true;
    if (next.kind !== outcome.kind) {
      const { kind, ...fields } = next;
      const level = kind === "joined" || kind === "alone" ? "info" : "warn";
      log[level](SAYS[kind], { bootstrap: bootstrap.kind, ...fields });
    }
    outcome = next;
  }

  /**
   * Waits until it is time for the next try: with others known, until they are
   * few or none.
   */
  async function rest(ms: number, signal: AbortSignal): Promise<void> {
    const had = known() > 0;
    const end = clock.now() + ms;
    while (!signal.aborted) {
      if (had && known() === 0) return;
      const left = end - clock.now();
      if (left <= 0 && !(had && known() >= FEW)) return;
      await clock.sleep(left > 0 ? Math.min(LOOK_MS, left) : LOOK_MS, signal);
    }
  }

  return {
    async run(signal) {
      began = clock.now();
      const delays = backoff({ ...RETRY, random });
      while (!signal.aborted) {
        const trouble = await attempt(signal);
        if (signal.aborted) return;
        const joined = known() > 0;
        tell(joined ? { kind: "joined" } : trouble);
        if (joined) delays.reset();
        await rest(joined ? AGAIN_MS : delays.next(), signal);
      }
    },
    ready() {
      settled ||= known() > 0 ||
        (began !== null && clock.now() - began >= ALONE_AFTER_MS);
      if (settled) return { ready: true };
      const reason = `bootstrap (${bootstrap.kind}): ${SAYS[outcome.kind]}`;
      if (outcome.kind !== "failed") return { ready: false, reason };
      const { error } = outcome;
      const why = error instanceof Error ? error.message : String(error);
      return { ready: false, reason: `${reason}: ${why}` };
    },
    outcome: () => outcome,
  };
}

const SAYS: Readonly<Record<JoinOutcome["kind"], string>> = {
  asking: "nobody has answered yet",
  failed: "bootstrap does not answer",
  nobody: "bootstrap names no node, not even this one",
  alone: "this node is alone",
  unreachable: "none of the named nodes can be reached",
  joined: "joined the others",
};

function withoutSelf(
  named: readonly string[],
  self: { readonly id: string; readonly addresses: readonly string[] },
): string[] {
  const own = new Set(self.addresses.map((address) => splitId(address)[0]));
  return named.filter((address) => {
    const [where, id] = splitId(address);
    return id !== self.id && !own.has(where);
  });
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
