/**
 * Two ends of a stream in memory, as far as this code uses js-libp2p's.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";

/** One end, and what a test does to it. */
export interface FakeStream {
  /** For the code that is tested. */
  readonly stream: Stream;
  /** Bytes that were sent from this end, by message. */
  readonly sent: Uint8Array[];
  /** Breaks it, for both ends. */
  break(): void;
}

class Data extends Event {
  readonly data: { subarray(): Uint8Array };
  constructor(bytes: Uint8Array) {
    super("message");
    this.data = { subarray: () => bytes };
  }
}

class End extends EventTarget {
  status = "open";
  direction: "inbound" | "outbound";
  readonly sent: Uint8Array[] = [];
  maxWriteBufferLength = 0;
  other: End | undefined;

  constructor(direction: "inbound" | "outbound") {
    super();
    this.direction = direction;
  }

  get writeStatus(): string {
    return this.status === "open" ? "writable" : "closed";
  }

  send(bytes: Uint8Array): boolean {
    if (this.status !== "open") throw new Error("closed");
    this.sent.push(bytes);
    queueMicrotask(() => this.other?.dispatchEvent(new Data(bytes)));
    return true;
  }

  onDrain(): Promise<void> {
    return Promise.resolve();
  }

  abort(): void {
    if (this.status !== "open") return;
    this.status = "aborted";
    this.dispatchEvent(new Event("close"));
    queueMicrotask(() => this.other?.abort());
  }
}

/** Makes the two ends; the first was opened, the second was accepted. */
export function streamPair(): [FakeStream, FakeStream] {
  const ends = [new End("outbound"), new End("inbound")] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  const [one, two] = ends.map((end) => ({
    stream: end as unknown as Stream,
    sent: end.sent,
    break: () => end.abort(),
  }));
  return [one, two] as [FakeStream, FakeStream];
}
