/**
 * What a containerd is pulling, in memory: bytes that only grow, and a source of
 * them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { partOf } from "../../src/content/part.ts";
import { type ContentSource, LOCAL } from "../../src/content/source.ts";
import type { PullState } from "../../src/content/pull_state.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { OCTET_STREAM } from "../../src/oci/media_type.ts";

/** One pull that is under way. */
export interface FakePull {
  readonly total: number;
  readonly offset: number;
  /** Adds bytes, and wakes those who read. */
  append(chunk: Uint8Array): void;
  /** All bytes so far. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** Ends it: whoever reads sees the rest if all is there, or else an error. */
  end(): void;
  /** Reads on while it grows; both ends inclusive. */
  read(start: number, end: number): ReadableStream<Uint8Array>;
}

/** All pulls of a node. */
export interface FakePulls {
  /** Opens a pull, as containerd does before it asks anybody. */
  begin(digest: Digest, total: number): FakePull;
  /** Takes a pull away, as when its node is gone. */
  abandon(digest: Digest): void;
  /** How far the pull of a digest is. */
  state(digest: Digest): PullState;
  /** What grows, as other nodes see it. */
  readonly source: ContentSource;
}

/** Makes a node's pulls; of those without a byte, what takes part is offered. */
export function fakePulls(takesPart: (digest: Digest) => boolean): FakePulls {
  const pulls = new Map<Digest, GrowingBytes>();
  return {
    begin(digest, total) {
      const pull = new GrowingBytes(total, () => pulls.delete(digest));
      pulls.set(digest, pull);
      return pull;
    },
    abandon: (digest) => pulls.get(digest)?.end(),
    state(digest) {
      const pull = pulls.get(digest);
      if (!pull) return null;
      return { kind: "pulling", offset: pull.offset, total: pull.total };
    },
    source: {
      resolve: () => Promise.resolve(null),
      stat: () => Promise.resolve(null),
      // deno-lint-ignore require-await -- so that a range error is a rejection
      async open({ kind, digest }, { range }) {
        const pull = pulls.get(digest);
        if (!pull || kind !== "blob") return null;
        if (pull.offset === 0 && !takesPart(digest)) return null;
        const part = partOf(range, pull.total);
        const size = pull.total;
        const descriptor = { mediaType: OCTET_STREAM, digest, size };
        const body = pull.read(part?.start ?? 0, part?.end ?? size - 1);
        return { descriptor, range: part, body, from: LOCAL };
      },
    },
  };
}

/** Makes bytes that are still to come, for any number of readers. */
export function growingBytes(total: number): FakePull {
  return new GrowingBytes(total, () => {});
}

/** Bytes that come one after another. */
class GrowingBytes implements FakePull {
  readonly total: number;
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #ended = false;
  #grown = Promise.withResolvers<void>();
  readonly #onEnd: () => void;

  constructor(total: number, onEnd: () => void) {
    this.total = total;
    this.#onEnd = onEnd;
  }

  get offset(): number {
    return this.#offset;
  }

  append(chunk: Uint8Array): void {
    if (this.#ended) throw new Error("given up");
    this.#chunks.push(chunk.slice());
    this.#offset += chunk.length;
    this.#wake();
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(Buffer.concat(this.#chunks));
  }

  end(): void {
    this.#ended = true;
    this.#onEnd();
    this.#wake();
  }

  read(start: number, end: number): ReadableStream<Uint8Array> {
    let at = start;
    let left = false;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        while (this.#offset <= at && !this.#ended && !left) {
          await this.#grown.promise;
        }
        if (left) return;
        if (this.#offset <= at) return controller.error(new Error("given up"));
        const chunk = this.bytes().slice(at, end + 1);
        at += chunk.length;
        controller.enqueue(chunk);
        if (at > end) controller.close();
      },
      cancel: () => void (left = true),
    }, { highWaterMark: 0 });
  }

  #wake(): void {
    const { resolve } = this.#grown;
    this.#grown = Promise.withResolvers();
    resolve();
  }
}
