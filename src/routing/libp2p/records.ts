/**
 * Who has which key, as the DHT's servers remember it: one flat table, as a Map
 * of lists takes 300 bytes a record where this takes 34.
 *
 * @module
 */

/** Remembers who has what. Times are seconds of a clock that does not go back. */
export interface Records {
  /** A peer has a key until then; one that is known has it for longer. */
  put(key: Uint8Array, peer: string, expiresAt: number): void;
  /** A peer has a key no more. */
  remove(key: Uint8Array, peer: string): void;
  /** Peers that have a key now. */
  get(key: Uint8Array, now: number): string[];
  /** Forgets what has expired, and gives the room back. */
  sweep(now: number): void;
  /** Records, expired ones included. */
  readonly size: number;
}

/** How much is remembered. */
export interface RecordsOptions {
  /**
   * Records at most; what comes then is not remembered.
   *
   * @default {500_000}
   */
  readonly max?: number;
}

/**
 * 1,000 nodes with 10,000 digests each are 200,000 records on every node; at this
 * limit the table takes 24 MiB.
 */
const MAX_RECORDS = 500_000;

/**
 * Peers of one key at most. Every node has a few images; a reader wants a choice,
 * not all, and what is many is found by walking past each.
 */
const MAX_PEERS_OF_KEY = 64;

/** Words of a slot: 128 bits of the key, the peer's number, when it expires. */
const WORDS = 6;
const PEER = 4;
const EXPIRES = 5;

/** Numbers of no peer: never used, and used before. */
const EMPTY = 0;
const REMOVED = 1;
const FIRST_PEER = 2;

/** A table that is fuller than this is made larger: walks get long beyond it. */
const MAX_LOAD = 0.75;

/** How full it may be after that: there must be room for more. */
const REBUILT_LOAD = 0.6;
const MIN_SLOTS = 1 << 10;

/**
 * Makes an empty table.
 *
 * @param options How much is remembered
 * @returns The table
 */
export function records(options: RecordsOptions = {}): Records {
  return new RecordTable(options.max ?? MAX_RECORDS);
}

/** A class because its state is a handful of arrays that change together. */
class RecordTable implements Records {
  size = 0;
  #slots = new Uint32Array(MIN_SLOTS * WORDS);
  /** Slots that are not empty. */
  #used = 0;
  readonly #max: number;
  readonly #numbers = new Map<string, number>();
  readonly #peers: (string | undefined)[] = [];
  readonly #freed: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  put(key: Uint8Array, peer: string, expiresAt: number): void {
    const words = wordsOf(key);
    const number = this.#number(peer);
    let soonest = -1;
    let peers = 0;
    let free = -1;
    for (const slot of this.#walk(words)) {
      const owner = this.#slots[slot + PEER] ?? EMPTY;
      if (owner === EMPTY || owner === REMOVED) {
        if (free < 0) free = slot;
        continue;
      }
      if (!this.#has(slot, words)) continue;
      if (owner === number) {
        this.#slots[slot + EXPIRES] = expiresAt;
        return;
      }
      peers++;
      if (soonest < 0 || this.#expires(slot) < this.#expires(soonest)) {
        soonest = slot;
      }
    }
    if (peers >= MAX_PEERS_OF_KEY) {
      return this.#write(soonest, words, number, expiresAt);
    }
    if (this.size >= this.#max) return;
    if (this.#slots[free + PEER] === EMPTY) this.#used++;
    this.size++;
    this.#write(free, words, number, expiresAt);
    if (this.#used > this.#capacity * MAX_LOAD) this.#rebuild(() => true);
  }

  remove(key: Uint8Array, peer: string): void {
    const number = this.#numbers.get(peer);
    if (number === undefined) return;
    const words = wordsOf(key);
    for (const slot of this.#walk(words)) {
      if (this.#slots[slot + PEER] === number && this.#has(slot, words)) {
        this.#slots[slot + PEER] = REMOVED;
        this.size--;
        return;
      }
    }
  }

  get(key: Uint8Array, now: number): string[] {
    const words = wordsOf(key);
    const slots = this.#slots;
    const found: string[] = [];
    let slot = this.#first(words);
    // Not by #walk(): this is on the path of each lookup.
    for (; slots[slot + PEER] !== EMPTY; slot = this.#next(slot)) {
      const owner = slots[slot + PEER] ?? EMPTY;
      if (owner < FIRST_PEER || !this.#has(slot, words)) continue;
      const peer = this.#peers[owner - FIRST_PEER];
      if (peer !== undefined && this.#expires(slot) > now) found.push(peer);
    }
    return found;
  }

  sweep(now: number): void {
    this.#rebuild((slot) => this.#expires(slot) > now);
    const living = new Set<number>();
    for (let slot = 0; slot < this.#slots.length; slot += WORDS) {
      living.add(this.#slots[slot + PEER] ?? EMPTY);
    }
    for (const [peer, number] of this.#numbers) {
      if (living.has(number)) continue;
      this.#numbers.delete(peer);
      this.#peers[number - FIRST_PEER] = undefined;
      this.#freed.push(number);
    }
  }

  get #capacity(): number {
    return this.#slots.length / WORDS;
  }

  #expires(slot: number): number {
    return this.#slots[slot + EXPIRES] ?? 0;
  }

  #number(peer: string): number {
    const known = this.#numbers.get(peer);
    if (known !== undefined) return known;
    const number = this.#freed.pop() ?? this.#peers.length + FIRST_PEER;
    this.#numbers.set(peer, number);
    this.#peers[number - FIRST_PEER] = peer;
    return number;
  }

  #first(words: Uint32Array): number {
    return ((words[0] ?? 0) & (this.#capacity - 1)) * WORDS;
  }

  #next(slot: number): number {
    const next = slot + WORDS;
    return next < this.#slots.length ? next : 0;
  }

  /** The slots where a key may be, up to the first that was never used. */
  *#walk(words: Uint32Array): Iterable<number> {
    let slot = this.#first(words);
    for (; this.#slots[slot + PEER] !== EMPTY; slot = this.#next(slot)) {
      yield slot;
    }
    yield slot;
  }

  #has(slot: number, words: Uint32Array): boolean {
    for (let i = 0; i < PEER; i++) {
      if (this.#slots[slot + i] !== words[i]) return false;
    }
    return true;
  }

  #write(
    slot: number,
    words: Uint32Array,
    number: number,
    expiresAt: number,
  ): void {
    this.#slots.set(words, slot);
    this.#slots[slot + PEER] = number;
    this.#slots[slot + EXPIRES] = expiresAt;
  }

  /** Moves what is kept into a table of the right size. */
  #rebuild(keep: (slot: number) => boolean): void {
    const old = this.#slots;
    const kept: number[] = [];
    for (let slot = 0; slot < old.length; slot += WORDS) {
      if ((old[slot + PEER] ?? EMPTY) >= FIRST_PEER && keep(slot)) {
        kept.push(slot);
      }
    }
    let capacity = MIN_SLOTS;
    while (kept.length > capacity * REBUILT_LOAD) capacity *= 2;
    this.#slots = new Uint32Array(capacity * WORDS);
    this.size = this.#used = kept.length;
    for (const from of kept) {
      let slot = this.#first(old.subarray(from, from + PEER));
      while (this.#slots[slot + PEER] !== EMPTY) slot = this.#next(slot);
      this.#slots.set(old.subarray(from, from + WORDS), slot);
    }
  }
}

/** The first 128 bits of a multihash's hash: keys that differ do so in these. */
function wordsOf(key: Uint8Array): Uint32Array {
  const padded = new Uint8Array(16);
  padded.set(key.subarray(2, 18));
  return new Uint32Array(padded.buffer);
}
