/**
 * Nodes that are named in the configuration.
 *
 * @module
 */

import assert from "node:assert/strict";
import { staticBootstrap } from "../../../src/routing/bootstrap/static.ts";

Deno.test("staticBootstrap() names each of its nodes once", async () => {
  const [one, other] = ["/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/1"] as const;
  const bootstrap = staticBootstrap([one, other, one]);
  const { signal } = new AbortController();
  assert.deepEqual(await bootstrap.find(signal), [one, other]);
  assert.deepEqual(await staticBootstrap([]).find(signal), []);
});
