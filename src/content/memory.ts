/**
 * A complete store in memory: for tests, for examples, and for embedding where
 * the content is generated.
 *
 * @module
 */

import { type Digest, digestOf } from "../oci/digest.ts";
import { manifestType, OCTET_STREAM } from "../oci/media_type.ts";
import { parseImageName, tagKey } from "../oci/reference.ts";
import { type ContentSource, LOCAL, type Located } from "./source.ts";
import type { ContentEvent, ContentWatcher } from "./watcher.ts";
import { partOf } from "./part.ts";

/** A store in memory, and how to fill it. */
export interface MemoryStore extends ContentSource, ContentWatcher {
  /** Adds content and returns its digest. */
  put(bytes: Uint8Array | string): Digest;
  /** Removes content, whatever tags it has. */
  delete(digest: Digest): void;
  /**
   * Names content, `registry/repository:tag`.
   *
   * @throws {TypeError} If the name is not that of an image with a tag, or has a
   * digest too
   */
  tag(name: string, digest: Digest): void;
  /** Removes a name. */
  untag(name: string): void;
}

/**
 * Makes an empty store.
 *
 * @returns The store
 *
 * @example
 * ```ts
 * import { memoryStore } from "@peili/peili";
 *
 * const store = memoryStore();
 * const digest = store.put("hello");
 * const signal = new AbortController().signal;
 * const open = await store.open(
 *   { kind: "blob", repository: "any", digest },
 *   { signal },
 * );
 * console.log(await new Response(open?.body).text()); // hello
 * ```
 */
export function memoryStore(): MemoryStore {
  const contents = new Map<Digest, Stored>();
  const tags = new Map<string, Digest>();
  const queues = new Set<EventQueue>();
  const tell = (event: ContentEvent) =>
    queues.forEach((queue) => queue.push(event));
  const find = (kind: "blob" | "manifest", digest: Digest) => {
    const stored = contents.get(digest);
    return stored && stored.kind === kind ? stored : null;
  };

  return {
    put(bytes) {
      const stored = store(bytes);
      const digest = digestOf(stored.bytes);
      if (!contents.has(digest)) tell({ kind: "created", digest });
      contents.set(digest, stored);
      return digest;
    },
    delete(digest) {
      if (contents.delete(digest)) tell({ kind: "deleted", digest });
    },
    tag(name, digest) {
      const parts = parseImageName(name);
      if (!parts?.tag || parts.digest) {
        throw new TypeError(
          `Cannot tag ${name}: it is not registry/repository:tag`,
        );
      }
      tags.set(name, digest);
      tell({ kind: "tagged", name, digest });
    },
    untag(name) {
      if (tags.delete(name)) tell({ kind: "untagged", name });
    },
    resolve(reference) {
      const digest = tags.get(tagKey(reference));
      const stored = digest && find("manifest", digest);
      return Promise.resolve(stored ? describe(digest, stored) : null);
    },
    stat({ kind, digest }) {
      const stored = find(kind, digest);
      return Promise.resolve(stored && describe(digest, stored));
    },
    // deno-lint-ignore require-await -- so that a range error is a rejection
    async open({ kind, digest }, { range }) {
      const stored = find(kind, digest);
      if (!stored) return null;
      const part = partOf(range, stored.bytes.length);
      const bytes = stored.bytes.slice(
        part?.start ?? 0,
        (part?.end ?? Infinity) + 1,
      );
      return {
        descriptor: describe(digest, stored),
        range: part,
        body: ReadableStream.from(bytes.length > 0 ? [bytes] : []),
        from: LOCAL,
      };
    },
    async *watch(signal) {
      using queue = new EventQueue(queues, signal);
      yield [
        ...contents.keys().map((digest) => ({
          kind: "created" as const,
          digest,
        })),
        ...tags.entries().map(([name, digest]) => ({
          kind: "tagged" as const,
          name,
          digest,
        })),
      ];
      while (!signal.aborted) {
        const batch = await queue.take();
        if (batch.length > 0) yield batch;
      }
    },
  };
}

interface Stored {
  readonly kind: "blob" | "manifest";
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

function store(content: Uint8Array | string): Stored {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  const type = manifestType(bytes);
  return {
    kind: type ? "manifest" : "blob",
    mediaType: type ?? OCTET_STREAM,
    bytes,
  };
}

function describe(digest: Digest, { mediaType, bytes }: Stored): Located {
  return { mediaType, digest, size: bytes.length, from: LOCAL };
}

/** Events on their way to one watcher. */
class EventQueue implements Disposable {
  #events: ContentEvent[] = [];
  #wake: () => void = () => {};
  readonly #all: Set<EventQueue>;
  readonly #signal: AbortSignal;

  constructor(all: Set<EventQueue>, signal: AbortSignal) {
    this.#all = all;
    this.#signal = signal;
    all.add(this);
    signal.addEventListener("abort", this.#onAbort);
  }

  push(event: ContentEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** Waits for events, or for the end: then there are none. */
  async take(): Promise<ContentEvent[]> {
    if (this.#events.length === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = () => this.#wake();
}
