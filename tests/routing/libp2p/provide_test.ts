/**
 * Who is told of which keys, and told again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../../src/async/background.ts";
import { NO_LOG } from "../../../src/log.ts";
import type { KadMessage } from "../../../src/routing/libp2p/kad_message.ts";
import { kadKey, positionOf } from "../../../src/routing/libp2p/position.ts";
import { provide } from "../../../src/routing/libp2p/provide.ts";
import { records } from "../../../src/routing/libp2p/records.ts";
import { eventually } from "../../suites/eventually.ts";
import { fakeNetwork, type FakePeer, memberRecord } from "./fake_links.ts";

const ID = Uint8Array.of(1, 2, 3);
const KEYS = Array.from({ length: 600 }, (_, i) => `sha256:${i}`);

/** Peers that note what they are told: a key's text by type. */
function noting(count: number, replicas = 20, now = () => performance.now()) {
  const told: Record<string, string[]> = {};
  const batches: Record<string, number> = {};
  const peers: Record<string, FakePeer> = {};
  const names = new Map(KEYS.map((text) => [kadKey(text).toHex(), text]));
  for (let i = 0; i < count; i++) {
    const id = `p${i}`;
    told[id] = [];
    peers[id] = {
      tell(messages: KadMessage[]) {
        batches[id] = (batches[id] ?? 0) + 1;
        for (const { type, key, providers } of messages) {
          const sign = type === "addProvider" ? "+" : "-";
          told[id]?.push(`${sign}${names.get(key.toHex())}`);
          if (sign === "+") assert.deepEqual(providers[0]?.id, ID);
        }
      },
    };
  }
  const network = fakeNetwork(peers);
  const { members, links } = network;
  const store = records();
  const own = provide({
    members,
    links,
    records: store,
    idBytes: ID,
    replicas,
    log: NO_LOG,
    now,
  });
  return { own, told, batches, peers, network, store };
}

Deno.test("provide() tells each peer once, of all keys that are near to it", async () => {
  const { own, told, batches, network } = noting(30, 5);
  await own.add(KEYS);
  for (const [id, lines] of Object.entries(told)) {
    const expected = KEYS.filter((text) =>
      network.members.closest(positionOf(kadKey(text)), 5)
        .some(({ record }) => record.id === id)
    );
    assert.deepEqual(
      lines.toSorted(),
      expected.map((one) => `+${one}`).toSorted(),
    );
    assert.equal(batches[id], 1);
  }
});

Deno.test("provide() remembers its own keys as one of the peers that are asked", async () => {
  const { own, store } = noting(2);
  await own.add(["sha256:1"]);
  assert.deepEqual(store.get(kadKey("sha256:1"), 1e9), ["self"]);
  await own.remove(["sha256:1"]);
  assert.deepEqual(store.get(kadKey("sha256:1"), 0), []);
});

Deno.test("provide() withdraws what it told, and nothing else", async () => {
  const { own, told } = noting(2);
  await own.add(["sha256:1", "sha256:2"]);
  await own.remove(["sha256:1", "sha256:99"]);
  assert.deepEqual(told.p0?.toSorted(), [
    "+sha256:1",
    "+sha256:2",
    "-sha256:1",
  ]);
});

Deno.test("provide() fails when there are peers and none is reached, and tells them later", async () => {
  const { own, told, peers } = noting(2);
  for (const peer of Object.values(peers)) peer.reachable = false;
  await assert.rejects(own.add(["sha256:1"]), {
    message: "Cannot advertise: none of 2 peers answers",
  });
  for (const peer of Object.values(peers)) peer.reachable = true;
  Object.keys(peers).forEach(own.greet); // As when they are met again.
  await using _running = inBackground((signal) => own.run(signal));
  await eventually(
    "both are told",
    () => told.p0?.length === 1 && told.p1?.length === 1,
  );
});

Deno.test("provide() is content when one of its peers is reached, and tells the other later", async () => {
  const { own, told, peers } = noting(2);
  const away = peers.p1 ?? assert.fail();
  away.reachable = false;
  await own.add(["sha256:1"]);
  assert.deepEqual([told.p0, told.p1], [["+sha256:1"], []]);
  away.reachable = true;
  own.greet("p1");
  await using _running = inBackground((signal) => own.run(signal));
  await eventually("it is told", () => told.p1?.length === 1);
  assert.equal(told.p0?.length, 1, "who knows is not told again");
});

Deno.test("provide() tells who comes of all that is near to it, and of nothing that is gone", async () => {
  const { own, told, network, peers } = noting(1);
  await own.add(KEYS);
  await own.remove(KEYS.slice(10));
  const lines: string[] = [];
  told.late = lines;
  peers.late = {
    tell: (messages) => void lines.push(...messages.map(({ type }) => type)),
  };
  network.members.merge([memberRecord("late")], 0);
  own.greet("late");
  await using _running = inBackground((signal) => own.run(signal));
  await eventually("it is told", () => lines.length > 0);
  assert.deepEqual(lines, Array(10).fill("addProvider"));
});

Deno.test("provide() waits for those that it is connected to, and tells the others after that", async () => {
  const { own, told, network } = noting(3);
  const [first] = network.members.closest(positionOf(kadKey("any")), 9)
    .filter(({ record }) => record.id !== "self");
  assert.ok(first);
  await network.links.link(first, new AbortController().signal);
  await own.add(["sha256:1"]);
  const linked = first.record.id;
  for (const [id, lines] of Object.entries(told)) {
    assert.equal(lines.length, id === linked ? 1 : 0);
  }
  await using _running = inBackground((signal) => own.run(signal));
  await eventually(
    "all are told",
    () => Object.values(told).every(({ length }) => length === 1),
  );
});

Deno.test("provide() closes the connections that it makes where there are many", async () => {
  const { own, network } = noting(300, 300);
  await own.add(["sha256:1"]);
  assert.ok(network.dialled.length >= 290, `${network.dialled.length}`);
  assert.ok(network.links.size <= 101 + 16, `${network.links.size}`);
});

Deno.test("provide() tells all again before records expire, and not all in one go", async () => {
  let moved = 0;
  const now = () => performance.now() + moved;
  const { own, batches } = noting(200, 300, now);
  const again = () => Object.values(batches).filter((n) => n > 1).length;
  await own.add(["sha256:1"]);
  await using _running = inBackground((signal) => own.run(signal));
  moved = 100_000; // Of at most 270 s.
  await eventually("some are told again", () => again() >= 40);
  assert.ok(again() <= 120, `${again()}`);
  moved = 271_000;
  await eventually("all are told again", () => again() === 200);
});

Deno.test("provide() has nobody to tell when it is alone", async () => {
  const { own } = noting(0);
  await own.add(KEYS);
  await own.remove(KEYS);
});
