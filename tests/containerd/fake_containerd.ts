/**
 * A containerd without gRPC: what it has, what it tells, and how it goes away.
 *
 * @module
 */

import type {
  ContainerdClient,
  ContainerdEvent,
  ContainerdImage,
  ContentInfo,
} from "../../src/containerd/client.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

/** A call that Peili makes. */
export type Call = "info" | "contents" | "image" | "images" | "events";

/** The fake, and what a test does to it. */
export interface FakeContainerd {
  /** What is given to the code that is tested. */
  readonly client: ContainerdClient;
  /** Calls so far. */
  readonly calls: Call[];
  /** Who listens to events now. */
  readonly subscribers: ReadonlySet<unknown>;
  /** Which topics it announces; containerd 1.6 knows only images. */
  announces: (topic: string) => boolean;
  /** Runs before each call that is answered. */
  beforeCall: (call: Call) => Promise<void> | void;
  /** Commits content. */
  put(
    content: Uint8Array | string,
    labels?: Readonly<Record<string, string>>,
    digest?: Digest,
  ): Digest;
  /** Removes content; garbage collection announces nothing. */
  collect(digest: Digest): void;
  /** Removes content and tells. */
  delete(digest: Digest): void;
  /** Names content, new or anew. */
  name(name: string, target: Digest): void;
  /** Removes a name. */
  unname(name: string): void;
  /** Tells something. */
  tell(event: ContainerdEvent): void;
  /** Goes away: calls fail, streams break. */
  stop(): void;
  /** Comes back with all it had. */
  start(): void;
}

/** Makes a containerd that is there and has nothing. */
export function fakeContainerd(): FakeContainerd {
  const infos = new Map<Digest, ContentInfo>();
  const images = new Map<string, Digest>();
  const streams = new Set<EventStream>();
  let away = false;

  const begin = async (call: Call, signal: AbortSignal): Promise<void> => {
    fake.calls.push(call);
    await Promise.resolve();
    signal.throwIfAborted();
    if (away) throw new Error("14 UNAVAILABLE: no connection");
    await fake.beforeCall(call);
    signal.throwIfAborted();
  };

  const fake: FakeContainerd = {
    calls: [],
    subscribers: streams,
    announces: () => true,
    beforeCall: () => {},
    put(content, labels = {}, digest = digestOf(content)) {
      const size = new Blob([content as BlobPart]).size;
      infos.set(digest, { digest, size, labels });
      fake.tell({ topic: "/content/create", subject: digest });
      return digest;
    },
    collect: (digest) => void infos.delete(digest),
    delete(digest) {
      infos.delete(digest);
      fake.tell({ topic: "/content/delete", subject: digest });
    },
    name(name, target) {
      const topic = images.has(name) ? "/images/update" : "/images/create";
      images.set(name, target);
      fake.tell({ topic, subject: name });
    },
    unname(name) {
      images.delete(name);
      fake.tell({ topic: "/images/delete", subject: name });
    },
    tell(event) {
      if (away || !fake.announces(event.topic)) return;
      streams.forEach((stream) => stream.push(event));
    },
    stop() {
      away = true;
      streams.forEach((stream) => stream.fail(new Error("14 UNAVAILABLE")));
    },
    start: () => void (away = false),
    client: {
      async info(digest, signal) {
        await begin("info", signal);
        return infos.get(digest) ?? null;
      },
      async *contents(signal) {
        await begin("contents", signal);
        const all = [...infos.values()];
        for (let at = 0; at < all.length; at += 2) yield all.slice(at, at + 2);
      },
      async image(name, signal) {
        await begin("image", signal);
        const target = images.get(name);
        return target ? { name, target } : null;
      },
      async images(signal) {
        await begin("images", signal);
        return [...images].map(([name, target]): ContainerdImage => ({
          name,
          target,
        }));
      },
      async *events(signal) {
        await begin("events", signal);
        using stream = new EventStream(streams, signal);
        yield* stream.read();
      },
      version: () => Promise.resolve("2.1.0"),
      [Symbol.dispose]() {},
    },
  };
  return fake;
}

/** Events on their way to one subscriber. */
class EventStream implements Disposable {
  readonly #events: ContainerdEvent[] = [];
  readonly #all: Set<EventStream>;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.fail(this.#signal.reason);
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(all: Set<EventStream>, signal: AbortSignal) {
    this.#all = all;
    this.#signal = signal;
    all.add(this);
    signal.addEventListener("abort", this.#onAbort);
  }

  push(event: ContainerdEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#wake();
  }

  async *read(): AsyncIterable<ContainerdEvent> {
    while (true) {
      const event = this.#events.shift();
      if (event) yield event;
      else if (this.#failure !== undefined) throw this.#failure;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
