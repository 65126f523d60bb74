/**
 * Paths between peers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { HOLDS_PREFIX, holdsPath } from "../../src/routing/peer_paths.ts";

Deno.test.each([
  "sha256:abc",
  "[::1]:5000/a/b__c:V1.0",
  "docker.io/library/ubuntu:latest",
])("holdsPath() writes %s as one segment that can be read back", (key) => {
  const { pathname } = new URL(holdsPath(key), "http://127.0.0.1");
  assert.ok(pathname.startsWith(HOLDS_PREFIX));
  const segment = pathname.slice(HOLDS_PREFIX.length);
  assert.ok(!segment.includes("/"));
  assert.equal(decodeURIComponent(segment), key);
});
