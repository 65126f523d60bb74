/**
 * What another node says of members is checked.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readMember } from "../../../src/routing/libp2p/member.ts";

const GOOD = {
  id: "12D3KooWHsbxg75A8pVUhmzJ2BmG7kX3x8wCWcsnsshgRTuFXG7H",
  seq: 1_700_000_000_000,
  routers: ["10.0.0.1:5001", "[fd00::1]:5001"],
  address: "10.0.0.1:5002",
  zone: "eu-1",
};

Deno.test("readMember() takes a member as it is told, and nothing else of it", () => {
  assert.deepEqual(readMember({ ...GOOD, more: 1, down: false }), GOOD);
  assert.deepEqual(readMember({ ...GOOD, down: true }), {
    ...GOOD,
    down: true,
  });
  assert.deepEqual(readMember({ ...GOOD, address: "" })?.address, "");
});

Deno.test.each<{ name: string; value: unknown }>([
  { name: "null", value: null },
  { name: "a text", value: "x" },
  { name: "no id", value: { ...GOOD, id: undefined } },
  { name: "an id that is none", value: { ...GOOD, id: "../etc" } },
  { name: "a half seq", value: { ...GOOD, seq: 1.5 } },
  { name: "a seq as text", value: { ...GOOD, seq: "1" } },
  {
    name: "an address without a port",
    value: { ...GOOD, address: "10.0.0.1" },
  },
  { name: "a port too high", value: { ...GOOD, address: "10.0.0.1:65536" } },
  { name: "a path", value: { ...GOOD, address: "10.0.0.1:80/x" } },
  { name: "a user", value: { ...GOOD, address: "a@b:80" } },
  { name: "no list of routers", value: { ...GOOD, routers: "10.0.0.1:5001" } },
  { name: "many routers", value: { ...GOOD, routers: Array(5).fill("a:1") } },
  { name: "a long zone", value: { ...GOOD, zone: "x".repeat(65) } },
])("readMember() refuses $name", ({ value }) => {
  assert.equal(readMember(value), null);
});
