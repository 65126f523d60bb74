/**
 * What 200,000 records cost in one node's store: memory, and time to find one.
 *
 * @module
 */

import { kadKey } from "../../src/routing/libp2p/position.ts";
import { records } from "../../src/routing/libp2p/records.ts";

const KEYS = 10_000;
const HOLDERS = 20;

const keys = Array.from({ length: KEYS }, (_, i) => kadKey(`key ${i}`));
const peers = Array.from({ length: 1_000 }, (_, i) => `peer ${i}`);
// With `--v8-flags=--expose-gc`: what is garbage is no cost.
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
collect();
const before = Deno.memoryUsage();
const store = records();
for (const [i, key] of keys.entries()) {
  for (let j = 0; j < HOLDERS; j++) {
    store.put(key, peers[(i * 7 + j) % peers.length] ?? "", 600);
  }
}
collect();
const after = Deno.memoryUsage();
const began = performance.now();
let found = 0;
for (const key of keys) found += store.get(key, 1).length;
const each = (performance.now() - began) * 1_000 / KEYS;
const bytes = after.rss - before.rss;
if (found !== store.size) throw new Error(`found ${found} of ${store.size}`);
const line = `${store.size} records: ${(bytes / (1 << 20)).toFixed(1)} MiB, ` +
  `${each.toFixed(1)} us a get of ${HOLDERS}\n`;
await new Blob([line]).stream().pipeTo(Deno.stdout.writable);
