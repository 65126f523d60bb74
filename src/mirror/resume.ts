/**
 * A body that goes on elsewhere when its source breaks or stalls: one loop that
 * counts, keeps the stall clock and reopens at the next byte.
 *
 * @module
 */

import { type ChunkReader, chunkStream } from "../async/chunks.ts";
import { type LinkGauge, linkGauge } from "./link_gauge.ts";

/** A body whose first bytes are in hand. */
export interface StartedBody {
  /** The first chunk. */
  readonly first: Uint8Array;
  /** What follows it. */
  readonly rest: ChunkReader;
  /** Whose bytes they are. */
  readonly from: string;
}

/** Why a source was left; "better" when another was known to be. */
export type BreakReason = "broken" | "short" | "stalled" | "long" | "better";

/** A body's present source, for one who may know a better one. */
export interface PresentSource {
  /** Bytes a second that it gives while it has some; 0 while unknown. */
  link(): number;
  /**
   * Leaves it: another is asked for, with "better" for a reason.
   *
   * @returns False when it has been left already, or all is over
   */
  leave(): boolean;
}

/** What a body that resumes needs. */
export interface ResumeOptions {
  /** Bytes that the whole body has. */
  readonly length: number;
  /**
   * Finds another source that goes on at a byte of the body, and is told why the
   * last one was left.
   *
   * @returns The rest from there, or null when there is none
   */
  readonly reopen: (
    offset: number,
    reason: BreakReason,
  ) => Promise<StartedBody | null>;
  /** Hears that a source was left at a byte. */
  readonly onBreak: (from: string, reason: BreakReason, offset: number) => void;
  /** Hears of bytes that came from a source. */
  readonly onBytes: (from: string, bytes: number) => void;
  /** Hears once, when all is over, whether the body was whole. */
  readonly onEnd: (whole: boolean) => void;
  /** Is given the source at the beginning. */
  readonly onBegin?: ((source: PresentSource) => void) | undefined;
  /**
   * Milliseconds without a byte after which a source is stalled, at least.
   *
   * @default {2_000}
   */
  readonly stallMs?: number;
}

/**
 * Milliseconds without a byte after which a source is stalled, at least. A
 * healthy peer under full load here paused 0.4 s at most.
 */
const STALL_MIN_MS = 2_000;

/** And at least so many times as long as the last MiB took: a slow link is not a
 * stalled one. */
const STALL_FACTOR = 4;

/** How often the stall clock is read, in milliseconds. */
const STALL_TICK_MS = 250;

const MIB = 1 << 20;

/**
 * Streams a body through the failures of its sources.
 *
 * @param started The first source
 * @param options Length, other sources and listeners
 * @returns The bytes; it errors when they end early and nobody goes on
 */
export function resumedBody(
  started: StartedBody,
  options: ResumeOptions,
): ReadableStream<Uint8Array> {
  const loop = new ResumeLoop(started, options);
  options.onBegin?.(loop);
  return chunkStream({
    read: () => loop.next(),
    cancel: () => loop.cancel(),
  });
}

/** The state of one body. */
class ResumeLoop implements PresentSource {
  #source: StartedBody;
  #gauge: LinkGauge = linkGauge();
  #isLeaving = false; // From when its source is left until there is another.
  #held: Uint8Array | null;
  #offset = 0;
  #ended = false;
  readonly #options: ResumeOptions;
  readonly #clock: StallClock;

  constructor(started: StartedBody, options: ResumeOptions) {
    this.#source = started;
    this.#held = started.first;
    this.#options = options;
    this.#clock = new StallClock(
      () => this.#source.rest.cancel(),
      options.stallMs ?? STALL_MIN_MS,
    );
  }

  get done(): boolean {
    return this.#offset === this.#options.length;
  }

  /** Reads the next bytes, from whoever has them. */
  async next(): Promise<Uint8Array | null> {
    while (!this.#ended) {
      const chunk = await this.#read();
      // Cancelled meanwhile: the source has not failed, the client has left.
      if (this.#ended) return null;
      if (typeof chunk !== "string") return this.#take(chunk);
      await this.#goOn(chunk);
    }
    return null;
  }

  cancel(): Promise<void> {
    this.#end();
    return this.#source.rest.cancel();
  }

  link(): number {
    return this.#gauge.rate();
  }

  leave(): boolean {
    if (this.#ended || this.#isLeaving) return false;
    this.#isLeaving = true;
    // Not awaited: the read that it ends goes on elsewhere.
    this.#source.rest.cancel().catch(() => {/* it is broken already */});
    return true;
  }

  async #read(): Promise<Uint8Array | BreakReason> {
    const held = this.#held;
    this.#held = null;
    if (held) return this.#fits(held) ? held : "long";
    try {
      this.#clock.start();
      const value = await this.#source.rest.read();
      const { stalled, ms } = this.#clock.stop(value?.length ?? 0);
      if (value) this.#gauge.add(value.length, ms);
      if (stalled) return this.#reason("stalled");
      if (!value) return this.#reason("short");
      return this.#fits(value) ? value : "long";
    } catch {
      return this.#reason(this.#clock.stop(0).stalled ? "stalled" : "broken");
    }
  }

  /** What ends because it is left has done nothing wrong. */
  #reason(reason: BreakReason): BreakReason {
    return this.#isLeaving ? "better" : reason;
  }

  #fits(chunk: Uint8Array): boolean {
    return this.#offset + chunk.length <= this.#options.length;
  }

  #take(chunk: Uint8Array): Uint8Array {
    this.#offset += chunk.length;
    this.#options.onBytes(this.#source.from, chunk.length);
    if (this.done) this.#end();
    return chunk;
  }

  /** Leaves the source and finds another for the rest. */
  async #goOn(reason: BreakReason): Promise<void> {
    const { from, rest } = this.#source;
    this.#isLeaving = true;
    this.#options.onBreak(from, reason, this.#offset);
    // Not awaited: a peer that hangs must not hold the body.
    rest.cancel().catch(() => {/* it is broken already */});
    const next = await this.#reopen(reason);
    this.#isLeaving = false;
    this.#gauge = linkGauge();
    if (next && !this.#ended) {
      this.#source = next;
      this.#held = next.first;
      return;
    }
    next?.rest.cancel().catch(() => {/* nobody reads it */});
    this.#end();
    throw new Error(`the body ended at byte ${this.#offset}: ${reason}`);
  }

  async #reopen(reason: BreakReason): Promise<StartedBody | null> {
    try {
      return await this.#options.reopen(this.#offset, reason);
    } catch (error) {
      this.#end(); // Else its timer would run for ever.
      throw error;
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clock.end();
    if (this.done) finish(this.#source.rest);
    this.#options.onEnd(this.done);
  }
}

/** Reads the end after the last byte, so that the connection can be used again. */
function finish(rest: ChunkReader): void {
  rest.read()
    .then((chunk) => chunk ? rest.cancel() : undefined)
    .catch(() => {/* all bytes are there; how it ends is no matter */});
}

/**
 * Ends a read that takes too long. Only waiting for the source counts, not the
 * client's pace; one timer a body, not one a chunk.
 */
class StallClock {
  #since = 0;
  #stalled = false;
  #mibBytes = 0;
  #mibMs = 0;
  #limitMs: number;
  readonly #minMs: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(onStall: () => Promise<void>, minMs: number) {
    this.#minMs = minMs;
    this.#limitMs = minMs;
    this.#timer = setInterval(() => {
      if (this.#since === 0 || this.#stalled) return;
      if (performance.now() - this.#since < this.#limitMs) return;
      this.#stalled = true;
      onStall().catch(
        () => {/* the read has ended, which is all that counts */},
      );
    }, Math.min(STALL_TICK_MS, minMs));
  }

  start(): void {
    this.#since = performance.now();
  }

  /** Takes what a read gave; tells how long it took, and whether that was why it
   * was ended. */
  stop(bytes: number): { readonly stalled: boolean; readonly ms: number } {
    const ms = performance.now() - this.#since;
    this.#mibMs += ms;
    this.#mibBytes += bytes;
    this.#since = 0;
    if (this.#mibBytes >= MIB) {
      const msPerMib = this.#mibMs * MIB / this.#mibBytes;
      this.#limitMs = Math.max(this.#minMs, STALL_FACTOR * msPerMib);
      this.#mibBytes = 0;
      this.#mibMs = 0;
    }
    const stalled = this.#stalled;
    this.#stalled = false;
    return { stalled, ms };
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
