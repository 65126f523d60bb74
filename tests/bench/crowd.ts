/**
 * Members of a network that do as little as they can: each says who it is to one
 * router, speaks every 2 s and takes what it is told. They tell of many more,
 * who accept no connection.
 *
 * @module
 */

import { startHost } from "../../src/routing/libp2p/host.ts";
import { serveKad } from "../../src/routing/libp2p/kad_server.ts";
import { makeLinks } from "../../src/routing/libp2p/links.ts";
import type { MemberRecord } from "../../src/routing/libp2p/member.ts";
import { newIdentity } from "../../src/routing/libp2p/identity.ts";

const [target = "", connected = "127", known = "1000"] = Deno.args;
const { signal } = new AbortController();

/** Accepts and hangs up: a node without room. */
const full = Deno.listen({ hostname: "127.0.0.1", port: 0 });
(async () => {
  for await (const connection of full) connection.close();
})();

function record(id: string, port: number, index: number): MemberRecord {
  const address = `127.0.${index >> 8}.${index & 255}:5002`;
  return { id, seq: 1, routers: [`127.0.0.1:${port}`], address, zone: "" };
}

async function member(index: number, others: MemberRecord[]) {
  const host = await startHost({
    identity: newIdentity(),
    listen: { host: "127.0.0.1", port: 0 },
    maxConnections: 8,
    swarmKey: null,
  });
  const self = record(host.id, host.port, index);
  const links = await makeLinks({
    host,
    protocols: {
      members: "/peili/test/members/1.0.0",
      kad: "/peili/test/kad/1.0.0",
    },
    filled: () => false,
    self: () => self,
    all: () => [self, ...others],
    hash: () => 0,
    onTold() {},
    onHello() {},
    onNews() {},
    onLinked() {},
    onLost() {},
  });
  await host.handle("/peili/test/kad/1.0.0", (stream, { remotePeer }) => {
    serveKad(stream, remotePeer.toString(), {
      add() {},
      remove() {},
      providers: () => [],
      closest: () => [],
    });
  });
  const link = await links.meet(target, signal);
  // Only life is told: what is known differs, and stays so.
  setInterval(() => link.talk.tell([]), 2_000);
}

const { port } = full.addr;
/** Ids of nobody: of the form that ids have. */
const LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const strangers = Array.from(
  { length: Number(known) - Number(connected) - 1 },
  (_, i) => {
    const tail = `${LETTERS[i % 58]}${LETTERS[(i / 58 | 0) % 58]}`;
    const id = `12D3KooWHsbxg75A8pVUhmzJ2BmG7kX3x8wCWcsnsshgRTuFX${tail}H`;
    return record(id, port, 2_000 + i);
  },
);
for (let index = 0; index < Number(connected); index++) {
  await member(index, index === 0 ? strangers : []);
}
await Deno.stdout.write(new TextEncoder().encode("ready\n"));
