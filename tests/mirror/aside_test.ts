/**
 * Who is set aside, for what and for how long.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aside } from "../../src/mirror/aside.ts";
import { digestOf } from "../../src/oci/digest.ts";

const [A, B] = [digestOf("a"), digestOf("b")];

Deno.test("aside() knows nobody at first", () => {
  assert.ok(!aside().has("10.0.0.1:5002", A));
});

Deno.test("aside() sets a peer aside for one digest and a while", () => {
  let now = 1000;
  const list = aside(() => now);
  list.put("10.0.0.1:5002", A, 50);
  assert.ok(list.has("10.0.0.1:5002", A));
  assert.ok(!list.has("10.0.0.1:5002", B));
  assert.ok(!list.has("10.0.0.2:5002", A));
  now = 1049;
  assert.ok(list.has("10.0.0.1:5002", A));
  now = 1050;
  assert.ok(!list.has("10.0.0.1:5002", A));
});

Deno.test("aside() keeps the longer of two times", () => {
  let now = 0;
  const list = aside(() => now);
  list.put("10.0.0.1:5002", A, 600_000);
  list.put("10.0.0.1:5002", A, 10_000);
  now = 20_000;
  assert.ok(list.has("10.0.0.1:5002", A));
});

Deno.test("aside() forgets the oldest of very many", () => {
  const list = aside(() => 0);
  for (let peer = 0; peer <= 10_000; peer++) list.put(`peer ${peer}`, A, 1);
  assert.ok(!list.has("peer 0", A));
  assert.ok(list.has("peer 1", A));
  assert.ok(list.has("peer 10000", A));
});
