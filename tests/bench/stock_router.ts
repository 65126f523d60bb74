/**
 * js-libp2p's own DHT in a process of its own, asked as Peili's router is: what
 * is measured beside it.
 *
 * @module
 */

import { kadDHT, passthroughMapper } from "@libp2p/kad-dht";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { CID } from "multiformats/cid";
import { decode } from "multiformats/hashes/digest";
import { kadKey } from "../../src/routing/libp2p/position.ts";
import type { Router } from "../../src/routing/router.ts";
import { answersOf, type RouterProcessOptions } from "../cluster/commands.ts";
import { talk } from "../cluster/talk.ts";

const [text = "{}"] = Deno.args;
const { peers, port }: RouterProcessOptions = JSON.parse(text);

/** The key of a text, as the DHT takes it. */
function cidOf(key: string): CID {
  return CID.createV1(0x55, decode(kadKey(key)));
}

const node = await createLibp2p({
  addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { pingInterval: 60_000 },
  connectionManager: {
    inboundConnectionThreshold: 1e6,
    maxIncomingPendingConnections: 1e4,
  },
  services: {
    identify: identify(),
    ping: ping(),
    dht: kadDHT({
      protocol: "/peili/kad/1.0.0",
      clientMode: false,
      allowQueryWithZeroPeers: true,
      peerInfoMapper: passthroughMapper,
    }),
  },
});

/** Meets the others, and walks to itself, so that all are in its table. */
async function join(): Promise<void> {
  for (const peer of peers) await node.dial(multiaddr(peer));
  const self = node.peerId.toMultihash().bytes;
  for await (const _event of node.services.dht.getClosestPeers(self)) {
    /* the walk fills the table */
  }
}

let joining: Promise<void> | null = null;

const router: Router = {
  ready() {
    joining ??= join().finally(() => joining = null);
    return { ready: true };
  },
  async *lookup(key, { signal }) {
    const cid = cidOf(key);
    // A record of its own would be no lookup in the network.
    for await (
      const event of node.services.dht.findProviders(cid, { signal })
    ) {
      if (event.name !== "PEER_RESPONSE") continue;
      for (const { id } of event.providers) {
        yield { id: id.toString(), address: "" };
      }
    }
  },
  self: () => null,
  nearest: () =>
    [node.peerId, ...node.getPeers()].map((id) => ({
      id: id.toString(),
      address: "",
    })),
  async advertise(keys) {
    for (const key of keys) {
      for await (const _event of node.services.dht.provide(cidOf(key))) {
        /* until all were told */
      }
    }
  },
  withdraw: () => Promise.resolve(),
  forget() {},
};

await join();
const [address] = node.getMultiaddrs();
await talk({
  info: { id: node.peerId.toString(), addresses: [] },
  port: Number(/\/tcp\/(\d+)/.exec(String(address))?.[1]),
}, answersOf(router));
Deno.exit(0);
