/**
 * Multiaddrs of TCP.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  formatMultiaddr,
  isName,
  parseMultiaddr,
  splitId,
} from "../../../src/routing/bootstrap/multiaddr.ts";

const ID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

Deno.test.each([
  { hostname: "10.0.0.1", text: "/ip4/10.0.0.1/tcp/5001" },
  { hostname: "fd00::1", text: "/ip6/fd00::1/tcp/5001" },
  { hostname: "FD00:0:0:0::01", text: "/ip6/fd00::1/tcp/5001" },
  { hostname: "::ffff:10.0.0.1", text: "/ip6/::ffff:a00:1/tcp/5001" },
  { hostname: "a-1.example.", text: "/dns/a-1.example./tcp/5001" },
])("formatMultiaddr() writes $hostname", ({ hostname, text }) => {
  assert.equal(formatMultiaddr({ hostname, port: 5001 }), text);
  const known = formatMultiaddr({ hostname, port: 5001, id: ID });
  assert.equal(known, `${text}/p2p/${ID}`);
  assert.deepEqual(splitId(text), [text, ""]);
  assert.deepEqual(splitId(known), [text, ID]);
  // Whatever it writes, it reads as the same.
  for (const one of [text, known]) assert.equal(parseMultiaddr(one), one);
});

Deno.test("formatMultiaddr() refuses what is no address", () => {
  for (const hostname of ["", "a b", "[fd00::1]", "fd00::1%eth0", "/", ":"]) {
    assert.throws(() => formatMultiaddr({ hostname, port: 1 }), TypeError);
  }
});

Deno.test.each([
  { text: "/ip6/FD00:0::1/tcp/1/", read: "/ip6/fd00::1/tcp/1" },
  {
    text: "/dns4/peer.example/tcp/65535",
    read: "/dns4/peer.example/tcp/65535",
  },
])("parseMultiaddr() reads $text", ({ text, read }) => {
  assert.equal(parseMultiaddr(text), read);
});

Deno.test.each([
  "",
  "10.0.0.1:5001",
  "/ip4/10.0.0.1",
  "/ip4/10.0.0.1/tcp/0",
  "/ip4/10.0.0.1/tcp/65536",
  "/ip4/10.0.0.256/tcp/1",
  "/ip4/010.0.0.1/tcp/1",
  "/ip4/fd00::1/tcp/1",
  "/ip6/10.0.0.1/tcp/1",
  "/ip6/fd00::1%eth0/tcp/1",
  "/ip4/peer.example/tcp/1",
  "/dns/10.0.0.1/tcp/1",
  "/dns/-a/tcp/1",
  "/ip4/10.0.0.1/udp/1/quic-v1",
  "/ip4/10.0.0.1/tcp/1/ws",
  "/ip4/10.0.0.1/tcp/1/p2p/",
  "/ip4/10.0.0.1/tcp/1/p2p/short",
  `/ip4/10.0.0.1/tcp/1/p2p/${ID}/p2p-circuit`,
])("parseMultiaddr() refuses %j", (text) => {
  assert.equal(parseMultiaddr(text), null);
});

Deno.test("isName() knows names, with and without the last dot", () => {
  const names = [
    "a",
    "a.b.",
    "_x.svc",
    "peili-bootstrap.ns.svc.cluster.local.",
  ];
  for (const name of names) assert.ok(isName(name), name);
  for (const text of ["", ".", "a..b", "1.2.3.4", "a b", "x".repeat(64)]) {
    assert.ok(!isName(text), text);
  }
});
