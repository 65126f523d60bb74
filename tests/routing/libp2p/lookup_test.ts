/**
 * Whom a lookup asks, and what it makes of the answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { idBytes } from "../../../src/routing/libp2p/host.ts";
import { lookups } from "../../../src/routing/libp2p/lookup.ts";
import { kadKey, positionOf } from "../../../src/routing/libp2p/position.ts";
import { eventually } from "../../suites/eventually.ts";
import { type FakeNetwork, fakeNetwork, type FakePeer } from "./fake_links.ts";

/** Real ids, as answers carry their bytes. */
const HOLDERS = [
  "12D3KooWHsbxg75A8pVUhmzJ2BmG7kX3x8wCWcsnsshgRTuFXG7H",
  "12D3KooWEqhvphrDSRwsdkH5XZ9M4ALNqhXLGs1hBNc47ME8N4Bn",
] as const;
const KEY = kadKey("key");

const has = (id: string) => ({
  providers: [{ id: idBytes(id), addresses: [] }],
});
const { signal } = new AbortController();

function searching(
  network: FakeNetwork,
  meet: (address: string) => Promise<string | null> = () =>
    Promise.resolve(null),
) {
  const { members, links } = network;
  return lookups({ members, links, meet, replicas: 20 });
}

function peersThat(peer: FakePeer, count = 30): Record<string, FakePeer> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { ...peer }]),
  );
}

Deno.test("lookups() asks the three nearest, and no more", async () => {
  const asked: string[] = [];
  const peers = peersThat({ linked: true });
  for (const [id, peer] of Object.entries(peers)) {
    peer.ask = () => {
      asked.push(id);
      return Promise.resolve({});
    };
  }
  const network = fakeNetwork(peers);
  const found = await Array.fromAsync(searching(network).find(KEY, signal));
  assert.deepEqual(found, []);
  const nearest = network.members.closest(positionOf(KEY), 4)
    .map(({ record }) => record.id).filter((id) => id !== "self").slice(0, 3);
  assert.deepEqual(asked.toSorted(), nearest.toSorted());
});

Deno.test("lookups() asks those of the nearest that need no new connection", async () => {
  const peers = peersThat({ ask: () => Promise.resolve(has(HOLDERS[0])) }, 15);
  const first = peers.p7 ?? assert.fail();
  first.linked = true;
  const network = fakeNetwork(peers);
  const found = await Array.fromAsync(searching(network).find(KEY, signal));
  assert.deepEqual(found, [[HOLDERS[0]]]);
  assert.deepEqual(network.dialled, []);
});

Deno.test("lookups() makes connections where there are none", async () => {
  const network = fakeNetwork(
    peersThat({ ask: () => Promise.resolve(has(HOLDERS[0])) }),
  );
  const found = await Array.fromAsync(searching(network).find(KEY, signal));
  assert.deepEqual(found, [[HOLDERS[0]]]);
  assert.equal(network.dialled.length, 3);
});

Deno.test("lookups() tells of the first holder before the last answer is there", async () => {
  const late = Promise.withResolvers<void>();
  let answers = 0;
  const network = fakeNetwork(peersThat({
    linked: true,
    async ask() {
      if (answers++ === 0) return has(HOLDERS[0]);
      await late.promise;
      return has(HOLDERS[1]);
    },
  }));
  const told: string[][] = [];
  for await (const ids of searching(network).find(KEY, signal)) {
    told.push(ids);
    late.resolve();
  }
  assert.deepEqual(told, [[HOLDERS[0]], [HOLDERS[1]]]);
});

Deno.test("lookups() goes on without peers that are gone or do not answer", async () => {
  let asked = 0;
  const network = fakeNetwork(peersThat({
    linked: true,
    ask: () =>
      asked++ < 2
        ? Promise.reject(new Error("gone"))
        : Promise.resolve(has(HOLDERS[0])),
  }));
  const found = await Array.fromAsync(searching(network).find(KEY, signal));
  assert.deepEqual(found, [[HOLDERS[0]]]);
});

Deno.test("lookups() ask once for all who ask meanwhile, and anew after that", async () => {
  let asked = 0;
  const going = Promise.withResolvers<void>();
  const network = fakeNetwork(peersThat({
    linked: true,
    async ask() {
      asked++;
      await going.promise;
      return {};
    },
  }));
  const search = searching(network);
  const leaving = new AbortController();
  const all = [
    Array.fromAsync(search.find(KEY, leaving.signal)),
    ...Array.from(
      { length: 5 },
      () => Array.fromAsync(search.find(KEY, signal)),
    ),
  ];
  await eventually("they are asked", () => asked === 3);
  leaving.abort();
  assert.deepEqual(await all[0], [], "it does not wait for the others");
  going.resolve();
  for (const found of await Promise.all(all)) assert.deepEqual(found, []);
  assert.equal(asked, 3);
  // Nothing was found, and nothing of that is remembered.
  await Array.fromAsync(search.find(KEY, signal));
  assert.equal(asked, 6);
});

Deno.test("lookups() ask once more those that an answer names as nearer", async () => {
  const [stranger, holder] = HOLDERS;
  // Any peer that is nearer than all; its id decides, so the key is looked for.
  let key = KEY;
  let network = fakeNetwork({});
  for (let i = 0; i < 10_000; i++) {
    key = kadKey(`key ${i}`);
    const near = positionOf(key);
    network = fakeNetwork(peersThat({
      linked: true,
      ask: () =>
        Promise.resolve({
          closer: [{
            id: idBytes(stranger),
            // /ip4/10.0.0.9/tcp/5001
            addresses: [Uint8Array.fromHex("040a000009061389")],
          }],
        }),
    }, 3));
    const own = positionOf(idBytes(stranger))[0] ?? 0;
    const theirs = network.members.closest(near, 1)[0]?.position[0] ?? 0;
    if (((own ^ (near[0] ?? 0)) >>> 0) < ((theirs ^ (near[0] ?? 0)) >>> 0)) {
      break;
    }
  }
  const met: string[] = [];
  const search = searching(network, (address) => {
    met.push(address);
    network.members.merge([{
      id: stranger,
      seq: 1,
      routers: ["10.0.0.9:5001"],
      address: "10.0.0.9:5002",
      zone: "",
    }], 0);
    return Promise.resolve(stranger);
  });
  const { links } = network;
  const link = links.link.bind(links);
  Object.assign(links, {
    async link(member: Parameters<typeof link>[0], signal: AbortSignal) {
      const made = await link(member, signal);
      if (member.record.id !== stranger) return made;
      return { ...made, kad: { ...made.kad, ask: () => has(holder) } };
    },
  });
  const found = await Array.fromAsync(search.find(key, signal));
  assert.deepEqual(met, ["/ip4/10.0.0.9/tcp/5001"]);
  assert.deepEqual(found, [[holder]]);
});

Deno.test("lookups() end at once when nobody is there", async () => {
  const found = await Array.fromAsync(
    searching(fakeNetwork({})).find(KEY, signal),
  );
  assert.deepEqual(found, []);
});
