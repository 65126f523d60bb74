/** Leads by 404 that have not begun. @module */

import assert from "node:assert/strict";
import type { PullState } from "../../src/content/pull_state.ts";
import { queuedLeads } from "../../src/mirror/queued.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { pulling } from "./fake_home.ts";

const LAYER = digestOf("queued layer");

/** A list whose pulls and clock a test sets. */
function queued() {
  const pulls = new Map<Digest, PullState>();
  let now = 0;
  const list = queuedLeads(
    (digest) => Promise.resolve(pulls.get(digest) ?? null),
    () => now,
  );
  return { list, pulls, wait: (ms: number) => void (now += ms) };
}

Deno.test("queuedLeads() waits for one until it has a byte", async () => {
  const { list, pulls } = queued();
  assert.ok(!await list.isWaiting(), "nobody");
  pulls.set(LAYER, pulling(0)());
  list.add(LAYER);
  assert.ok(await list.isWaiting());
  pulls.set(LAYER, pulling(1)());
  assert.ok(!await list.isWaiting());
  pulls.set(LAYER, pulling(0)());
  assert.ok(!await list.isWaiting(), "it is forgotten");
});

Deno.test("queuedLeads() waits for no pull that is gone", async () => {
  const { list } = queued();
  list.add(LAYER);
  assert.ok(!await list.isWaiting());
});

Deno.test("queuedLeads() does not wait for an orphan for long", async () => {
  const { list, pulls, wait } = queued();
  pulls.set(LAYER, pulling(0)());
  list.add(LAYER);
  wait(29_999);
  assert.ok(await list.isWaiting());
  wait(1);
  assert.ok(!await list.isWaiting());
});

Deno.test("queuedLeads() remembers so many and no more", async () => {
  const { list, pulls } = queued();
  for (let index = 0; index < 65; index++) list.add(digestOf(`layer ${index}`));
  pulls.set(digestOf("layer 64"), pulling(0)());
  assert.ok(!await list.isWaiting());
});
