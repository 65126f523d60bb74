/** Which other nodes there may be. @module */

import assert from "node:assert/strict";
import {
  findRouters,
  hostOf,
  othersOf,
  peersOf,
} from "../../src/doctor/neighbours.ts";
import { byDns, fakeNode } from "./fake_node.ts";

const { signal } = new AbortController();

Deno.test("findRouters() asks the bootstrap that the options name", async () => {
  await using node = await fakeNode();
  const { options } = node;
  assert.deepEqual(await findRouters(options, signal), [], "a list has none");
  const staticBootstrapPeers = ["/ip4/10.0.0.2/tcp/5001"];
  const told = { ...options, staticPeers: [], staticBootstrapPeers };
  assert.deepEqual(await findRouters(told, signal), staticBootstrapPeers);
});

Deno.test("othersOf() leaves this node out, and asks a few of many", () => {
  const many = Array.from({ length: 20 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`);
  const others = othersOf(["/ip6/::1/tcp/1", ...many], ["10.0.0.0"]);
  assert.deepEqual(others, many.slice(1, 9));
});

Deno.test("peersOf() is the list, or the hosts of routers at this node's port", async () => {
  await using node = await fakeNode();
  const { options } = node;
  const others = ["/ip4/10.0.0.2/tcp/1", "/ip6/fd00::2/tcp/1/p2p/x"];
  const listed = peersOf("static-peers", options, others);
  assert.deepEqual(listed, options.staticPeers);
  byDns(node);
  const found = peersOf("dns", options, others);
  assert.deepEqual(found, ["10.0.0.2:5002", "[fd00::2]:5002"]);
});

Deno.test("hostOf() reads IPs and names", () => {
  assert.equal(hostOf("/ip6/fd00::2/tcp/1/p2p/x"), "fd00::2");
  assert.equal(hostOf("/dns/node-a/tcp/1"), "node-a");
});
