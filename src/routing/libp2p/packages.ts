/**
 * What is used of js-libp2p. Nothing else imports it but for types: it must be
 * loaded between these two.
 *
 * @module
 */

import "./loading.ts";
export { privateKeyFromRaw } from "@libp2p/crypto/keys";
export { noise } from "@libp2p/noise";
export { defaultCrypto, nodeCrypto } from "@libp2p/noise/crypto";
export { peerIdFromMultihash, peerIdFromString } from "@libp2p/peer-id";
export { preSharedKey } from "@libp2p/pnet";
export { tcp } from "@libp2p/tcp";
export { yamux } from "@libp2p/yamux";
export { multiaddr } from "@multiformats/multiaddr";
export { createLibp2p } from "libp2p";
export { decode } from "multiformats/hashes/digest";
import "./loaded.ts";
