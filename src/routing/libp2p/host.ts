/**
 * This node on the network: js-libp2p with TCP, Noise and Yamux, and nothing that
 * dials, pings or asks by itself.
 *
 * @module
 */

import type {
  Connection,
  Libp2p,
  Logger,
  PrivateKey,
  Stream,
} from "@libp2p/interface";
import { fromMultiaddr, type HostPort, joinAddress } from "./addresses.ts";
import type { Identity } from "./identity.ts";
import {
  createLibp2p,
  decode,
  defaultCrypto,
  multiaddr,
  nodeCrypto,
  noise,
  peerIdFromMultihash,
  peerIdFromString,
  preSharedKey,
  privateKeyFromRaw,
  tcp,
  yamux,
} from "./packages.ts";
import { wholeWrites } from "./whole_writes.ts";

/** What the host is told. */
export interface HostOptions {
  /** Its identity. */
  readonly identity: Identity;
  /** Where it listens; `::` is every address of both families. */
  readonly listen: HostPort;
  /** Connections that others may open until no more are taken. */
  readonly maxConnections: number;
  /** Key of the private network, 32 bytes; null: whoever comes may speak. */
  readonly swarmKey: Uint8Array | null;
}

/** A host that listens. */
export interface Host extends AsyncDisposable {
  /** Its id as text. */
  readonly id: string;
  /** Its port, as it really is. */
  readonly port: number;
  /**
   * Connects to a multiaddress: to the peer that it names, or whoever is there.
   *
   * @throws {SelfDialError} If this node is there
   * @throws {Error} If there is nobody, or another peer
   */
  dial(address: string, signal: AbortSignal): Promise<Connection>;
  /** Takes streams of a protocol that others open. */
  handle(
    protocol: string,
    handler: (stream: Stream, connection: Connection) => void,
  ): Promise<void>;
  /** Hears of connections that others open. */
  onInbound(heard: (connection: Connection) => void): void;
}

/** The address that was dialled is this node's own. */
export class SelfDialError extends Error {
  override readonly name = "SelfDialError";
}

/** Streams of one protocol on one connection: one is kept, one may replace it. */
const MAX_STREAMS = 4;

/**
 * Milliseconds for TCP, Noise and Yamux on one connection; on loopback they take
 * 10 to 70.
 */
const UPGRADE_MS = 5_000;

/** Connections of strangers that are being set up at once, and a second per IP. */
const MAX_PENDING = 64;
const MAX_INBOUND_PER_SECOND = 512;

/**
 * Noise's ciphers by node:crypto alone. It takes WebAssembly for what is shorter
 * than 1,200 bytes: 4 us less a message, but a compiler in memory.
 */
const CRYPTO = { ...defaultCrypto, ...nodeCrypto };

/**
 * Hears js-libp2p and says nothing: what matters is thrown, too. Its own makes
 * four of these for every connection and stream.
 */
const SILENT: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  enabled: false,
  newScope: () => SILENT,
});

/** Starts the host; it listens when the promise resolves. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { listen, swarmKey } = options;
  const protect = swarmKey ? protector(swarmKey) : null;
  const node = await withoutChannels(() => startNode(options, protect)).catch(
    (cause) => {
      const where = joinAddress(listen);
      throw new Error(`Cannot listen on ${where} (--router-addr)`, { cause });
    },
  );
  const [address] = node.getMultiaddrs();
  const bound = address ? fromMultiaddr(address) : null;
  if (!bound) {
    await node.stop();
    throw new Error("Cannot listen: no address could be had");
  }
  return {
    id: node.peerId.toString(),
    port: Number(bound.slice(bound.lastIndexOf(":") + 1)),
    async dial(address, signal) {
      try {
        return await node.dial(multiaddr(address), { signal });
      } catch (error) {
        throw selfDial(error) ? new SelfDialError("dialled itself") : error;
      }
    },
    handle: (protocol, handler) =>
      node.handle(protocol, handler, {
        maxInboundStreams: MAX_STREAMS,
        maxOutboundStreams: MAX_STREAMS,
      }),
    onInbound(heard) {
      node.addEventListener("connection:open", ({ detail }) => {
        if (detail.direction === "inbound") heard(detail);
      });
    },
    async [Symbol.asyncDispose]() {
      await node.stop();
      forgetAddresses(node);
    },
  };
}

async function startNode(
  { identity, listen, maxConnections }: HostOptions,
  protect: Protect | null,
): Promise<Libp2p> {
  const node = await createLibp2p({
    privateKey: privateKeyOf(identity),
    addresses: {
      listen: listenAddresses(listen),
      // Not asked for: Peili finds out by itself. Without one, js-libp2p looks
      // at all interfaces, which needs a permission.
      announce: isEverywhere(listen) && listen.port !== 0
        ? [`/ip4/127.0.0.1/tcp/${listen.port}`]
        : [],
    },
    transports: [tcp()],
    connectionEncrypters: [
      noise({ crypto: CRYPTO }),
    ],
    logger: { forComponent: () => SILENT },
    // Members speak every 2 s anyway.
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionProtector: () => wholeWrites(protect?.() ?? null),
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections,
      maxIncomingPendingConnections: MAX_PENDING,
      inboundConnectionThreshold: MAX_INBOUND_PER_SECOND,
      inboundUpgradeTimeout: UPGRADE_MS,
      reconnectRetries: 0,
    },
  });
  await node.peerStore.merge(node.peerId, {}); // Takes the lock once.
  return node;
}

/**
 * Tells the bytes of an id.
 *
 * @param id As text
 * @returns Its multihash
 */
export function idBytes(id: string): Uint8Array {
  return peerIdFromString(id).toMultihash().bytes;
}

/**
 * Reads the bytes of an id.
 *
 * @param bytes Its multihash
 * @returns It as text; null when it is none
 */
export function idText(bytes: Uint8Array): string | null {
  try {
    return peerIdFromMultihash(decode(bytes)).toString();
  } catch {
    return null; // Whoever sent it may have meant something else.
  }
}

/** libp2p's form of a key: the private half, then the public one. */
function privateKeyOf({ privateKey, publicKey }: Identity): PrivateKey {
  const raw = new Uint8Array(64);
  raw.set(privateKey);
  raw.set(publicKey, 32);
  return privateKeyFromRaw(raw);
}

/** Both families have listeners of their own: one that takes both is IPv6 only here. */
function listenAddresses({ host, port }: HostPort): string[] {
  if (host === "::") return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`];
  const kind = host.includes(":") ? "ip6" : "ip4";
  return [`/${kind}/${host}/tcp/${port}`];
}

function isEverywhere({ host }: HostPort): boolean {
  return host === "::" || host === "0.0.0.0";
}

function selfDial(error: unknown): boolean {
  return error instanceof Error && error.message.includes("dial self");
}

/**
 * Starts js-libp2p without the channel to worker threads that its lock opens when
 * it is first used: Deno keeps a process with an open one alive, and there are no
 * workers.
 */
async function withoutChannels<T>(start: () => Promise<T>): Promise<T> {
  const { BroadcastChannel } = globalThis;
  globalThis.BroadcastChannel = class extends EventTarget {
    postMessage(): void {}
    close(): void {}
  } as unknown as typeof BroadcastChannel;
  try {
    return await start();
  } finally {
    globalThis.BroadcastChannel = BroadcastChannel;
  }
}

/**
 * Stops what js-libp2p 3.3 begins when its listener closes: a second later it
 * writes its addresses to its store, which keeps the process alive for good.
 */
function forgetAddresses(node: object): void {
  const { components } = node as {
    readonly components?: {
      readonly addressManager?: {
        readonly _updatePeerStoreAddresses?: { stop?(): void };
      };
    };
  };
  components?.addressManager?._updatePeerStoreAddresses?.stop?.();
}

/** What js-libp2p makes a protector with. */
type Protect = ReturnType<typeof preSharedKey>;

function protector(swarmKey: Uint8Array): Protect {
  const psk = `/key/swarm/psk/1.0.0/\n/base16/\n${swarmKey.toHex()}`;
  return preSharedKey({ psk: new TextEncoder().encode(psk) });
}
