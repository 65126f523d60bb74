/**
 * Messages of the Kademlia DHT, as libp2p specifies them.
 *
 * https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages
 *
 * @module
 */

import { decodeFields, encodeFields, type Field } from "./protobuf.ts";

/** What a message asks or tells. The numbers are those on the wire. */
export const KAD_TYPES = {
  /** The sender has a key; no answer. */
  addProvider: 2,
  /** Who has a key? */
  getProviders: 3,
  /** Who is near a key? */
  findNode: 4,
  /** Are all messages before this one taken? */
  ping: 5,
  /** The sender has a key no more; no answer. Peili's own: Kademlia has none. */
  removeProvider: 66,
} as const;

/** The name of a type. */
export type KadType = keyof typeof KAD_TYPES;

/** A peer as a message names it. */
export interface KadPeer {
  /** The bytes of its id. */
  readonly id: Uint8Array;
  /** Its multiaddresses. */
  readonly addresses: readonly Uint8Array[];
}

/** One message. */
export interface KadMessage {
  /** What it is. */
  readonly type: KadType;
  /** What it is about: a multihash; a peer's id when its neighbours are asked. */
  readonly key: Uint8Array;
  /** Peers nearer to the key, nearest first. */
  readonly closer: readonly KadPeer[];
  /** Peers that have it. */
  readonly providers: readonly KadPeer[];
}

/** Numbers of the fields of a message and of a peer. */
const TYPE = 1;
const KEY = 2;
const CLOSER = 8;
const PROVIDER = 9;
const CLUSTER_LEVEL = 10;
const PEER_ID = 1;
const PEER_ADDRESS = 2;

/** Peers of one message that are read; the rest of a longer list is skipped. */
const MAX_PEERS = 128;

/** Addresses of one peer that are read. */
const MAX_ADDRESSES = 8;

const NAMES: ReadonlyMap<number, KadType> = new Map(
  Object.entries(KAD_TYPES).map(([name, type]): [number, KadType] => [
    type,
    name as KadType,
  ]),
);

/**
 * Writes a message.
 *
 * @param message What is said; the lists may be left out
 * @returns Its bytes
 */
export function encodeKad(
  message: Pick<KadMessage, "type" | "key"> & Partial<KadMessage>,
): Uint8Array {
  const { type, key, closer = [], providers = [] } = message;
  return encodeFields([
    { number: TYPE, value: KAD_TYPES[type] },
    { number: KEY, value: key },
    ...closer.map((peer) => ({ number: CLOSER, value: encodePeer(peer) })),
    ...providers.map((peer) => ({ number: PROVIDER, value: encodePeer(peer) })),
    { number: CLUSTER_LEVEL, value: 0 },
  ]);
}

/**
 * Reads a message.
 *
 * @param bytes What came
 * @returns The message; null when its type is none that is known here
 * @throws {SyntaxError} If it is malformed
 */
export function decodeKad(bytes: Uint8Array): KadMessage | null {
  let type: KadType | undefined;
  let key: Uint8Array = new Uint8Array(0);
  const closer: KadPeer[] = [];
  const providers: KadPeer[] = [];
  for (const { number, value } of decodeFields(bytes)) {
    if (number === TYPE && typeof value === "number") type = NAMES.get(value);
    else if (typeof value === "number") continue;
    else if (number === KEY) key = value.slice();
    else if (number === CLOSER) addPeer(closer, value);
    else if (number === PROVIDER) addPeer(providers, value);
  }
  return type ? { type, key, closer, providers } : null;
}

function encodePeer({ id, addresses }: KadPeer): Uint8Array {
  return encodeFields([
    { number: PEER_ID, value: id },
    ...addresses.map((value): Field => ({ number: PEER_ADDRESS, value })),
  ]);
}

function addPeer(peers: KadPeer[], bytes: Uint8Array): void {
  if (peers.length >= MAX_PEERS) return;
  let id: Uint8Array | undefined;
  const addresses: Uint8Array[] = [];
  for (const { number, value } of decodeFields(bytes)) {
    if (typeof value === "number") continue;
    if (number === PEER_ID) id = value.slice();
    if (number === PEER_ADDRESS && addresses.length < MAX_ADDRESSES) {
      addresses.push(value.slice());
    }
  }
  if (id && id.length > 0) peers.push({ id, addresses });
}
