/**
 * Counts what the routers of this process say: connections and bytes at the
 * sockets, messages by kind at the streams.
 *
 * @module
 */

import type { Connection } from "@libp2p/interface";
import { Server, Socket } from "node:net";
import { frameReader } from "../../../src/routing/libp2p/frames.ts";
import { startHost } from "../../../src/routing/libp2p/host.ts";
import { newIdentity } from "../../../src/routing/libp2p/identity.ts";

/** Counts since the process began. */
export interface Traffic {
  /** Connections that were dialled, and those that were taken. */
  made: number;
  taken: number;
  /** Writes to sockets, and their bytes: with Noise and Yamux, without TCP. */
  writes: number;
  bytes: number;
  /** Messages that were sent, by kind, without their frames. */
  messages: Record<string, { count: number; bytes: number }>;
}

const traffic: Traffic = {
  made: 0,
  taken: 0,
  writes: 0,
  bytes: 0,
  messages: {},
};

/** What was counted so far. */
export function countedTraffic(): Traffic {
  return structuredClone(traffic);
}

/** Begins to count; streams and sockets from now on. */
export async function countTraffic(): Promise<void> {
  countSockets();
  await countMessages();
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Puts something before a method of all objects of a class. */
function before(prototype: object, name: string, act: Method): void {
  const methods = prototype as Record<string, Method>;
  const method = methods[name];
  if (!method) throw new Error(`Cannot count: there is no ${name}()`);
  methods[name] = function (...args) {
    act.apply(this, args);
    return method.apply(this, args);
  };
}

function countSockets(): void {
  before(Socket.prototype, "connect", () => void traffic.made++);
  before(Server.prototype, "emit", (event) => {
    if (event === "connection") traffic.taken++;
  });
  before(Socket.prototype, "write", (chunk) => {
    traffic.writes++;
    traffic.bytes += (chunk as Uint8Array).byteLength;
  });
}

/** All streams of js-libp2p have one method that sends: that of the first. */
async function countMessages(): Promise<void> {
  const options = {
    listen: { host: "127.0.0.1", port: 0 },
    maxConnections: 2,
    swarmKey: null,
  };
  await using one = await startHost({ ...options, identity: newIdentity() });
  await using two = await startHost({ ...options, identity: newIdentity() });
  await two.handle("/count", () => {});
  const { signal } = new AbortController();
  const there: Connection = await one.dial(
    `/ip4/127.0.0.1/tcp/${two.port}`,
    signal,
  );
  let prototype: object = await there.newStream("/count");
  while (!Object.hasOwn(prototype, "send")) {
    prototype = Object.getPrototypeOf(prototype);
  }
  before(prototype, "send", function (data) {
    const { protocol } = this as { protocol?: string };
    // Streams without one are connections, whose sockets are counted.
    const kindOf = protocol?.includes("/members/")
      ? wordsKind
      : protocol?.includes("/kad/")
      ? kadKind
      : null;
    if (kindOf && data instanceof Uint8Array) note(data, kindOf);
  });
}

const MAX_BYTES = 4 << 20;

function note(data: Uint8Array, kindOf: (message: Uint8Array) => string): void {
  frameReader(MAX_BYTES, (message) => {
    const kind = traffic.messages[kindOf(message)] ??= { count: 0, bytes: 0 };
    kind.count++;
    kind.bytes += message.length;
  })(data);
}

const QUOTE = 0x22;
const decoder = new TextDecoder();

/** The first field of a member's words: `{"beat":1,...}`. */
function wordsKind(message: Uint8Array): string {
  return decoder.decode(message.subarray(2, message.indexOf(QUOTE, 2)));
}

/** Types of the DHT's messages, by their first field. */
const KAD_KINDS: Readonly<Record<number, string>> = {
  2: "record",
  3: "question",
  4: "find node",
  5: "done",
};

function kadKind(message: Uint8Array): string {
  const type = message[0] === 0x08 ? message[1] ?? -1 : -1;
  return KAD_KINDS[type] ?? "record withdrawn";
}
