/**
 * Keeps this node connected to the members that it should be connected to, and
 * finds out who is gone.
 *
 * Up to some 60 members all are connected with all. Above that, a pair is when a
 * number that both compute from their ids is small enough, so that both agree and
 * every node has about as many links. Others are dialled when they are needed.
 *
 * @module
 */

import { sleep } from "../../async/backoff.ts";
import { deadline } from "../../async/deadline.ts";
import type { Log } from "../../log.ts";
import type { Links } from "./links.ts";
import type { Member, Members } from "./members.ts";

/** What keeping links needs of other parts. */
export interface KeeperDeps {
  readonly members: Members;
  readonly links: Links;
  readonly log: Log;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
}

/** The keeper. */
export interface Keeper {
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks at once: a member came, or a connection broke. */
  wake(): void;
  /** A connection broke: its end is asked whether it lives. */
  lost(id: string): void;
  /** True while nobody knows whether a member lives. */
  suspects(id: string): boolean;
}

/**
 * Links that a node has of its own accord, on average: each takes 220 KB here and
 * there. Of 1,000 nodes, 7 in 10 lookups find one of the 20 that know behind such
 * a link; the others dial.
 */
const WANTED_LINKS = 64;

/**
 * Links above which those that were only needed for a moment are closed at once:
 * at 128 others are not let in any more.
 */
export const CROWDED_LINKS = 100;

/** Milliseconds between two looks. */
const LOOK_MS = 1_000;

/** Looks between two beats. */
const LOOKS_PER_BEAT = 2;

/**
 * Milliseconds for one dial: TCP, Noise, Yamux and hello take 10 to 70, and a
 * packet that is lost at the start one second.
 */
const DIAL_MS = 1_500;

/**
 * Milliseconds before each try to reach a member again. After the last it is
 * down: at most 6 s after its connection broke, 1.5 s when its port is closed.
 */
const TRIES_MS = [0, 500, 1_000] as const;

/**
 * Dials of its own accord at once: each costs some 8 ms of processor time here and
 * 8 there.
 */
const MAX_DIALS = 16;

/**
 * Milliseconds by which a limit is noticed too late when it is this node that is
 * slow: what did not come in time says nothing of the other one.
 */
const LATE_MS = 500;

/**
 * How slow a node may find itself. Each step halves its dials and doubles their
 * time: 100 nodes that share 3 cores else begin more than can end in time, and are
 * never connected (measured: 12 of 64 links after a minute).
 */
const MAX_SLOW = 3;

/** The member with the greater id gives the other one so long, in ms, to dial. */
const YIELD_MS = 2_000;

/** A link that is not wanted and not needed for so long, in ms, is closed. */
const IDLE_MS = 30_000;

/** Looks between two random members that are asked whether they live. */
const LOOKS_PER_PROBE = 10;

/** Looks between two tries to reach one that was lost; alone, it is each look. */
const LOOKS_PER_LOST = 5;
const LOST_AT_ONCE_ALONE = 8;

/** What a dial found: a member, somebody who takes no more, or nobody. */
type Reached = "member" | "busy" | "nobody";

/** Makes the keeper. */
export function keeper(deps: KeeperDeps): Keeper {
  const { members, links, log, now } = deps;
  const verifying = new Set<string>();
  const suspected = new Set<string>();
  const busyUntil = new Map<string, number>();
  let slow = 0; // From 0 to MAX_SLOW.
  let dialling = 0;
  const room = () => MAX_DIALS >> slow;
  let woken = Promise.withResolvers<void>();
  let ended: AbortSignal | null = null;

  /** Reaches a member, or finds that nobody can. */
  async function verify(member: Member, signal: AbortSignal): Promise<void> {
    const { id, seq } = member.record;
    if (verifying.has(id)) return;
    verifying.add(id);
    let reached: Reached = "nobody";
    try {
      for (const ms of TRIES_MS) {
        if (ms > 0) await sleep(ms, signal);
        while (ms > 0 && dialling >= room() && !signal.aborted) {
          await sleep(TRIES_MS[1], signal);
        }
        const same = members.get(id)?.record.seq === seq;
        if (signal.aborted || !same) return;
        reached = await reach(member, signal);
        if (reached === "member") return;
      }
      if (signal.aborted) return;
      if (reached === "busy") return busy(id);
      members.down(id, now());
    } finally {
      verifying.delete(id);
      suspected.delete(id);
    }
  }

  async function reach(member: Member, signal: AbortSignal): Promise<Reached> {
    const began = now();
    dialling++;
    const budget = DIAL_MS << slow;
    using limit = deadline(signal, budget);
    try {
      await links.link(member, limit.signal);
      if (now() - began < DIAL_MS) slow = Math.max(slow - 1, 0);
      return "member";
    } catch (error) {
      const { address: peer, id } = member.record;
      const ms = now() - began;
      log.debug("peer cannot be reached", { peer, id, error, ms });
      if (ms <= budget + LATE_MS) {
        return isNobodyThere(error) ? "nobody" : "busy";
      }
      slow = Math.min(slow + 1, MAX_SLOW);
      return "busy";
    } finally {
      dialling--;
    }
  }

  /** It lives and has no room: it is left alone for a while. */
  function busy(id: string): void {
    if (busyUntil.size > members.size) busyUntil.clear();
    busyUntil.set(id, now() + IDLE_MS);
  }

  function isWanted(other: Member): boolean {
    const share = WANTED_LINKS / Math.max(members.size - 1, 1);
    const pair = (members.self().position[0] ?? 0) ^ (other.position[0] ?? 0);
    // The XOR of two hashes is as good as random, and the same from both sides.
    return scatter(pair >>> 0) < share * 2 ** 32;
  }

  function connect(signal: AbortSignal): void {
    const self = members.self().record.id;
    for (const member of members.alive()) {
      const { id } = member.record;
      if (verifying.size >= room()) return;
      if (id === self || links.get(id) || !isWanted(member)) continue;
      const yields = self > id && now() - member.since < YIELD_MS;
      if (yields || (busyUntil.get(id) ?? 0) > now()) continue;
      verify(member, signal);
    }
  }

  /** Closes links that are neither wanted nor needed, the idlest first. */
  function closeIdle(): void {
    const unwanted = [...links.all()].filter(({ id }) => {
      const member = members.get(id);
      return member !== undefined && !isWanted(member);
    }).sort((a, b) => a.usedAt - b.usedAt);
    let crowd = links.size - CROWDED_LINKS;
    for (const link of unwanted) {
      if (crowd-- > 0 || now() - link.usedAt > IDLE_MS) link.close();
    }
  }

  /** Asks a member that nobody here is connected to whether it lives. */
  function probe(signal: AbortSignal): void {
    const self = members.self().record.id;
    const strangers = [...members.alive()].filter((member) => {
      const { id } = member.record;
      return id !== self && !links.get(id) && !isWanted(member);
    });
    const one = strangers[Math.floor(Math.random() * strangers.length)];
    if (one && verifying.size < room()) verify(one, signal);
  }

  /** Tries those that were lost: a cut cable may be mended. */
  function retry(count: number, signal: AbortSignal): void {
    const lost = [...members.lost()].filter(({ record }) =>
      !links.get(record.id) && !verifying.has(record.id)
    );
    for (let i = 0; i < count && lost.length > 0; i++) {
      const at = Math.floor(Math.random() * lost.length);
      const [member] = lost.splice(at, 1);
      if (!member) return;
      verifying.add(member.record.id);
      reach(member, signal).finally(() => verifying.delete(member.record.id));
    }
  }

  return {
    async run(signal) {
      ended = signal;
      for (let look = 0; !signal.aborted; look++) {
        if (look % LOOKS_PER_BEAT === 0) {
          for (const link of [...links.all()]) link.talk.beat();
        }
        connect(signal);
        closeIdle();
        members.expire(now());
        if (look % LOOKS_PER_PROBE === 0) probe(signal);
        if (links.size === 0) retry(LOST_AT_ONCE_ALONE, signal);
        else if (look % LOOKS_PER_LOST === 0) retry(1, signal);
        const end = now() + LOOK_MS;
        for (let left = LOOK_MS; left > 0; left = end - now()) {
          await Promise.race([woken.promise, sleep(left, signal)]);
          if (signal.aborted) return;
          woken = Promise.withResolvers();
          connect(signal);
        }
      }
    },
    wake: () => woken.resolve(),
    lost(id) {
      const member = members.get(id);
      if (!member || !ended || ended.aborted) return;
      suspected.add(id);
      verify(member, ended);
    },
    suspects: (id) => suspected.has(id),
  };
}

/** Errors of TCP after somebody took the connection: one without room hangs up. */
const HUNG_UP = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE"]);

/** Errors of TCP, a dial that was too slow, or another process at the address. */
function isNobodyThere(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isNobodyThere);
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && HUNG_UP.has(code)) return false;
  return (typeof code === "string" && /^E[A-Z]+$/.test(code)) ||
    /^(?:Timeout|Abort|UnexpectedPeer)/.test(error.name) ||
    /no address/.test(error.message);
}

/** Spreads a number over 32 bits. */
function scatter(value: number): number {
  let hash = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
