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

/** What a member says first. */
export interface Hello {
  /** Host at which the speaker sees the listener. */
  readonly seen: string;
  /** True when the speaker knows all members. */
  readonly filled: boolean;
}

/** All that one message may say. */
interface Words {
  readonly hello?: Hello;
  /** Members that are new to the listener. */
  readonly news?: readonly MemberRecord[];
  /** All members: the two have known different ones for a while. */
  readonly table?: readonly MemberRecord[];
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
  /** Says who this is. */
  greet(hello: Hello): void;
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
  /** Takes what the other side said of itself. */
  readonly onHello: (hello: Hello) => void;
  /** Takes news. */
  readonly onNews: (news: readonly MemberRecord[]) => void;
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
  const { all, hash, onHello, onNews, onEnd } = deps;
  const sentAt = new Map<number, number>(); // Beats that were not sent back.
  const rtts: number[] = [];
  let heardAt = performance.now();
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
    if (words.hello) onHello(words.hello);
    if (words.news) onNews(words.news);
    if (words.table) compare(words.table);
    if (words.beat !== undefined) say({ echo: words.beat });
    if (words.echo !== undefined) timed(words.echo);
    if (words.hash !== undefined) differs(words.hash !== hash());
    if (words.bye) left = true;
  }

  /** Answers a table with what it lacks. */
  function compare(table: readonly MemberRecord[]): void {
    onNews(table);
    const theirs = new Map(table.map((record) => [record.id, record]));
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

  function differs(now: boolean): void {
    different = now ? different + 1 : 0;
    if (different < DIFFERENT_BEATS) return;
    different = 0;
    say({ table: all() });
  }

  const line = pipe(stream, {
    maxBytes: MAX_WORDS_BYTES,
    onMessage: hear,
    onEnd: () => onEnd(left),
  });

  return {
    greet: (hello) => say({ hello, news: all() }),
    tell: (news) => say({ news }),
    beat() {
      if (performance.now() - heardAt > SILENT_MS) {
        return line.abort(new Error("the other end is silent"));
      }
      if (sentAt.size > RTT_SAMPLES) sentAt.clear();
      sentAt.set(++beats, performance.now());
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
  const { hello, news, table, beat, hash, echo, bye } = value as Record<
    string,
    unknown
  >;
  return {
    ...(isHello(hello) ? { hello } : {}),
    ...(Array.isArray(news) ? { news: readMembers(news) } : {}),
    ...(Array.isArray(table) ? { table: readMembers(table) } : {}),
    ...(typeof beat === "number" ? { beat } : {}),
    ...(typeof hash === "number" ? { hash } : {}),
    ...(typeof echo === "number" ? { echo } : {}),
    ...(bye === true ? { bye } : {}),
  };
}

function readMembers(values: readonly unknown[]): MemberRecord[] {
  return values.map(readMember).filter((record) => record !== null);
}

function isHello(value: unknown): value is Hello {
  if (typeof value !== "object" || value === null) return false;
  const { seen, filled } = value as Record<string, unknown>;
  return typeof seen === "string" && seen.length <= 253 &&
    typeof filled === "boolean";
}
