/**
 * Kademlia's messages as they are on the wire.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  decodeKad,
  encodeKad,
  KAD_TYPES,
  type KadType,
} from "../../../src/routing/libp2p/kad_message.ts";

const KEY = Uint8Array.of(0x12, 2, 7, 8);
const PEER = { id: Uint8Array.of(1, 2), addresses: [Uint8Array.of(3)] };

Deno.test("encodeKad() writes the fields that libp2p's specification names", () => {
  const bytes = encodeKad({
    type: "getProviders",
    key: KEY,
    closer: [PEER],
    providers: [{ id: Uint8Array.of(9), addresses: [] }],
  });
  assert.deepEqual(
    bytes.toHex(),
    [
      "0803", // type: GET_PROVIDERS
      "120412020708", // key
      "4207" + "0a020102" + "120103", // closerPeers: id, addrs
      "4a03" + "0a0109", // providerPeers: id
      "5000", // clusterLevelRaw
    ].join(""),
  );
});

Deno.test.each(Object.keys(KAD_TYPES) as KadType[])(
  "decodeKad() reads what encodeKad() wrote: %s",
  (type) => {
    const message = { type, key: KEY, closer: [PEER, PEER], providers: [PEER] };
    assert.deepEqual(decodeKad(encodeKad(message)), message);
  },
);

Deno.test("decodeKad() skips fields that it does not know", () => {
  const known = encodeKad({ type: "ping", key: KEY });
  const unknown = Uint8Array.fromHex(
    "98069601" + "9a0603616263" + "9d0601020304" + "99060102030405060708",
  );
  const bytes = new Uint8Array([...unknown, ...known, ...unknown]);
  assert.equal(decodeKad(bytes)?.type, "ping");
  assert.deepEqual(decodeKad(bytes)?.key, KEY);
});

Deno.test("decodeKad() knows nothing of other types", () => {
  assert.equal(decodeKad(Uint8Array.of(0x08, 0x01)), null); // GET_VALUE
  assert.equal(decodeKad(new Uint8Array(0)), null);
});

Deno.test.each([
  { name: "a tag", hex: "ff" },
  { name: "a number", hex: "08ff" },
  { name: "bytes", hex: "1205aa" },
  { name: "a group, which has no length", hex: "0b" },
  { name: "a varint without an end", hex: "08" + "ff".repeat(12) },
])("decodeKad() refuses what ends in $name", ({ hex }) => {
  assert.throws(() => decodeKad(Uint8Array.fromHex(hex)), SyntaxError);
});

Deno.test("decodeKad() reads 128 peers of a message and 8 addresses of a peer", () => {
  const addresses = Array.from({ length: 9 }, () => Uint8Array.of(3));
  const closer = Array.from({ length: 200 }, () => ({ ...PEER, addresses }));
  const read = decodeKad(encodeKad({ type: "findNode", key: KEY, closer }));
  assert.equal(read?.closer.length, 128);
  assert.equal(read?.closer[0]?.addresses.length, 8);
});

Deno.test("decodeKad() never fails otherwise, whatever comes", () => {
  for (let i = 0; i < 2_000; i++) {
    const bytes = crypto.getRandomValues(new Uint8Array(i % 64));
    try {
      decodeKad(bytes);
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String(error));
    }
  }
});
