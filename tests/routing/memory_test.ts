/**
 * Routers of one process find each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";
import { smallImage } from "../suites/image.ts";
import { routerSuite, zoneOf } from "../suites/router_suite.ts";

routerSuite("memoryNetwork()", (size) => {
  const network = memoryNetwork();
  const nodes = Array.from({ length: size }, (_, index) => {
    const self = {
      id: `node-${index}`,
      address: `10.0.0.${index}:5002`,
      zone: zoneOf(index),
    };
    const router = network.join(self);
    const keysOf = (name: string) => {
      const { manifest, tag } = smallImage(name);
      return [digestOf(manifest), tag];
    };
    return {
      self,
      router,
      async hold(name: string) {
        await router.advertise(keysOf(name));
        return keysOf(name);
      },
      drop: (name: string) => router.withdraw(keysOf(name)),
      die: () => Promise.resolve(network.leave(self)),
    };
  });
  return Promise.resolve({
    nodes,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

Deno.test("memoryNetwork() says that who left is not ready", () => {
  const network = memoryNetwork();
  const self = { id: "a", address: "10.0.0.1:5002" };
  const router = network.join(self);
  network.leave(self);
  assert.ok(!router.ready().ready);
});
