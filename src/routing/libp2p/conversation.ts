/**
 * What two members say to each other on a stream of its own: who they are, whom
 * they know, what is new, and that they still live.
 *
 * Each message is a JSON object of any of the fields below; what is not known is
 * ignored, so that versions can differ.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { type MemberRecord, readMember } from "./member.ts";
import { pipe } from "./pipe.ts";

/** All that a member knows, for one that knows something else. */
interface Table {
  readonly members: readonly MemberRecord[];
  /** True when the speaker knows all members. */
  readonly filled: boolean;
}

/** All that one message may say. */
interface Words {
  /** Host at which the speaker sees the listener: the first word. */
  readonly seen?: string;
  /** Members that are new to the listener. */
  readonly news?: readonly MemberRecord[];
  /** All members: the two know different ones. */
  readonly table?: Table;
  /** A number to be sent back. */
  readonly beat?: number;
  /** What the speaker knows, as one number. */
  readonly hash?: number;
  /** The number that was sent. */
  readonly echo?: number;
  /** The speaker ends the connection, and not because it dies. */
  readonly bye?: true;
}

/** One side of a conversation. */
export interface Conversation {
  /** Says who this is, and at which host it sees the other side. */
  greet(seen: string): void;
  /** Tells news. */
  tell(news: readonly MemberRecord[]): void;
  /** Says that this node lives, and notices when the other one is silent. */
  beat(): void;
  /** Says that the connection ends; the other must not take it for a death. */
  bye(): void;
  /** Round trip in milliseconds, the shortest of the last; null: not known. */
  readonly rttMs: number | null;
}

/** What a conversation needs of other parts. */
export interface ConversationDeps {
  /** Hears the first word: at which host the other side sees this node. */
  readonly onHello: (seen: string) => void;
  /** Takes news. */
  readonly onNews: (news: readonly MemberRecord[]) => void;
  /** Hears that a member that knows all has told all. */
  readonly onTold: () => void;
  /** This node; null while it does not know its address. */
  readonly self: () => MemberRecord | null;
  /** True when this node knows all members. */
  readonly filled: () => boolean;
  /** All that is known. */
  readonly all: () => MemberRecord[];
  /** What is known, as one number. */
  readonly hash: () => number;
  /** Hears of the end: the other left, or broke off. */
  readonly onEnd: (left: boolean) => void;
}

/** A table of 4,096 members has some 700 KB. */
const MAX_WORDS_BYTES = 2 << 20;

/**
 * Milliseconds without a word after which a connection is given up. The other
 * side speaks every 2 s; if it only was slow, it is reached again at once.
 */
const SILENT_MS = 5_000;

/** Beats with different knowledge after which tables are compared. */
const DIFFERENT_BEATS = 2;

/** Round trips of which the shortest counts: a busy moment is no distance. */
const RTT_SAMPLES = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Begins a conversation.
 *
 * @param stream Open, and nobody else's
 * @param deps Who hears what is said
 * @returns This side
 */
export function conversation(
  stream: Stream,
  deps: ConversationDeps,
): Conversation {
  const { all, hash, filled, onHello, onNews, onTold, onEnd } = deps;
  const sentAt = new Map<number, number>(); // Beats that were not sent back.
  const rtts: number[] = [];
  let heardAt = performance.now();
  let beatAt = heardAt;
  let beats = 0;
  let different = 0;
  let left = false;

  function say(words: Words): void {
    if (stream.writeStatus !== "writable") return;
    try {
      line.send([encoder.encode(JSON.stringify(words))]);
    } catch {
      // It has just ended, which is told by itself.
    }
  }

  function hear(bytes: Uint8Array): void {
    heardAt = performance.now();
    const words = readWords(JSON.parse(decoder.decode(bytes)));
    if (words.news) onNews(words.news);
    if (words.seen !== undefined) onHello(words.seen);
    if (words.table) learn(words.table);
    if (words.beat !== undefined) say({ echo: words.beat });
    if (words.echo !== undefined) timed(words.echo);
    if (words.hash !== undefined) {
      const limit = words.seen === undefined ? DIFFERENT_BEATS : 1;
      differs(words.hash !== hash(), limit);
    }
    if (words.bye) left = true;
  }

  /** Answers a table with what it lacks. */
  function learn({ members, filled }: Table): void {
    onNews(members);
    if (filled) onTold();
    const theirs = new Map(members.map((record) => [record.id, record]));
    const news = all().filter(({ id, seq, down }) => {
      const their = theirs.get(id);
      return !their || their.seq < seq ||
        (their.seq === seq && down === true && their.down !== true);
    });
    if (news.length > 0) say({ news });
  }

  function timed(beat: number): void {
    const at = sentAt.get(beat);
    if (at === undefined || !sentAt.delete(beat)) return;
    rtts.push(performance.now() - at);
    if (rtts.length > RTT_SAMPLES) rtts.shift();
  }

  /** Tells all when the two knew different things as often as it takes. */
  function differs(now: boolean, limit: number): void {
    different = now ? different + 1 : 0;
    if (!now || different < limit) return;
    different = 0;
    say({ table: { members: all(), filled: filled() } });
  }

  const line = pipe(stream, {
    maxBytes: MAX_WORDS_BYTES,
    onMessage: hear,
    onEnd: () => onEnd(left),
  });

  return {
    greet(seen) {
      const self = deps.self();
      // Most who meet know the same; a table of 1,000 has 200 KB.
      say({ seen, hash: hash(), news: self ? [self] : [] });
    },
    tell: (news) => say({ news }),
    beat() {
      const now = performance.now();
      // It was this node that stood still: what came meanwhile was not read yet.
      if (now - beatAt > SILENT_MS) heardAt = now;
      beatAt = now;
      if (now - heardAt > SILENT_MS) {
        return line.abort(new Error("the other end is silent"));
      }
      if (sentAt.size > RTT_SAMPLES) sentAt.clear();
      sentAt.set(++beats, now);
      say({ beat: beats, hash: hash() });
    },
    bye() {
      left = true;
      say({ bye: true });
    },
    get rttMs() {
      return rtts.length > 0 ? Math.min(...rtts) : null;
    },
  };
}

/** Keeps of a message what is as it should be. */
function readWords(value: unknown): Words {
  if (typeof value !== "object" || value === null) return {};
  const { seen, news, table, beat, hash, echo, bye } = value as Record<
    string,
    unknown
  >;
  const all = readTable(table);
  return {
    ...(isHost(seen) ? { seen } : {}),
    ...(Array.isArray(news) ? { news: readMembers(news) } : {}),
    ...(all ? { table: all } : {}),
    ...(typeof beat === "number" ? { beat } : {}),
    ...(typeof hash === "number" ? { hash } : {}),
    ...(typeof echo === "number" ? { echo } : {}),
    ...(bye === true ? { bye } : {}),
  };
}

function readTable(value: unknown): Table | null {
  if (typeof value !== "object" || value === null) return null;
  const { members, filled } = value as Record<string, unknown>;
  if (!Array.isArray(members)) return null;
  return { members: readMembers(members), filled: filled === true };
}

function readMembers(values: readonly unknown[]): MemberRecord[] {
  return values.map(readMember).filter((record) => record !== null);
}

function isHost(value: unknown): value is string {
  return typeof value === "string" && value.length <= 253;
}
