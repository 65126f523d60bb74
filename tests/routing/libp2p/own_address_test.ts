/**
 * A node learns its address from those who see it.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  announcer,
  ownAddress,
} from "../../../src/routing/libp2p/own_address.ts";

const OPTIONS = {
  router: { host: "::", port: 5001 },
  peer: { host: "::", port: 5002 },
  ip: null,
};

Deno.test("ownAddress() knows nothing before somebody tells", () => {
  assert.deepEqual(ownAddress(OPTIONS).current(), { routers: [], address: "" });
});

Deno.test("ownAddress() is what others see, with its own ports", () => {
  const own = ownAddress(OPTIONS);
  own.seen("10.0.0.1", "a");
  assert.deepEqual(own.current(), {
    routers: ["10.0.0.1:5001"],
    address: "10.0.0.1:5002",
  });
  own.seen("fd00::1", "b");
  assert.deepEqual(own.current(), {
    routers: ["10.0.0.1:5001", "[fd00::1]:5001"],
    address: "10.0.0.1:5002",
  });
});

Deno.test("ownAddress() keeps to the family that it was first seen in", () => {
  const own = ownAddress(OPTIONS);
  own.seen("fd00::1", "a");
  own.seen("10.0.0.1", "b");
  assert.equal(own.current().address, "[fd00::1]:5002");
});

Deno.test("ownAddress() goes with the majority, and stays among equals", () => {
  const own = ownAddress(OPTIONS);
  own.seen("10.0.0.1", "a");
  own.seen("10.9.9.9", "b");
  assert.equal(own.current().address, "10.0.0.1:5002");
  own.seen("10.9.9.9", "c");
  assert.equal(own.current().address, "10.9.9.9:5002");
  own.seen("10.0.0.1", "b"); // A peer has one voice.
  assert.equal(own.current().address, "10.0.0.1:5002");
});

Deno.test("ownAddress() prefers any address to loopback", () => {
  const own = ownAddress(OPTIONS);
  for (const peer of ["a", "b", "c"]) own.seen("127.0.0.1", peer);
  assert.equal(own.current().address, "127.0.0.1:5002");
  own.seen("10.0.0.1", "d");
  assert.equal(own.current().address, "10.0.0.1:5002");
  const six = ownAddress(OPTIONS);
  six.seen("127.0.0.1", "a");
  six.seen("fd00::1", "b");
  assert.equal(six.current().address, "[fd00::1]:5002");
});

Deno.test.each(["", "0.0.0.0", "::", "example.org", "999", "1.2.3"])(
  "ownAddress() takes no notice of %s",
  (host) => {
    const own = ownAddress(OPTIONS);
    own.seen(host, "a");
    assert.equal(own.current().address, "");
  },
);

Deno.test("ownAddress() is what the operator says, whatever others see", () => {
  const own = ownAddress({ ...OPTIONS, ip: "10.0.0.7" });
  own.seen("10.0.0.1", "a");
  assert.deepEqual(own.current(), {
    routers: ["10.0.0.7:5001"],
    address: "10.0.0.7:5002",
  });
});

Deno.test("ownAddress() is where it listens when that is one address", () => {
  const own = ownAddress({
    router: { host: "127.0.0.1", port: 1 },
    peer: { host: "127.0.0.1", port: 2 },
    ip: null,
  });
  assert.deepEqual(own.current(), {
    routers: ["127.0.0.1:1"],
    address: "127.0.0.1:2",
  });
});

Deno.test("announcer() tells the members once it knows, and only what is new", () => {
  const changes: unknown[] = [];
  let record = { id: "self", seq: 1, routers: [], address: "", zone: "" };
  const where = announcer({
    self: () => ({ record, position: new Uint32Array(8), since: 0 }),
    change(facts) {
      changes.push(facts);
      record = { ...record, ...facts } as typeof record;
    },
  }, { router: OPTIONS.router, ip: null });
  where.seen("10.0.0.1", "a");
  assert.deepEqual(changes, [], "the peer listener is not there yet");
  where.announce({ host: "::", port: 5002 });
  const first = { address: "10.0.0.1:5002", routers: ["10.0.0.1:5001"] };
  assert.deepEqual(changes, [first]);
  where.seen("10.0.0.1", "b");
  assert.deepEqual(changes, [first]);
});

Deno.test("announcer() learns from a node that answered itself", () => {
  const told: unknown[] = [];
  const where = announcer({
    self: () => ({
      record: { id: "self", seq: 1, routers: [], address: "", zone: "" },
      position: new Uint32Array(8),
      since: 0,
    }),
    change: (facts) => told.push(facts.address),
  }, { router: OPTIONS.router, ip: null });
  where.announce({ host: "::", port: 5002 });
  where.dialled("/ip6/fd00::9/tcp/5001");
  assert.deepEqual(told, ["[fd00::9]:5002"]);
});
