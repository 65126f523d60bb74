/**
 * A source whose questions wait until it can know the answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { held } from "../../src/content/held.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { digestOf } from "../../src/oci/digest.ts";
import type { ContentRequest } from "../../src/oci/request.ts";

const UNTIL = 1_000;

const BLOB: ContentRequest = {
  kind: "blob",
  registry: "r.example",
  repository: "app",
  digest: digestOf("blob"),
};
const TAG = { registry: "r.example", repository: "app", tag: "v1" };

/** A source that was asked for nothing yet, and is not able yet. */
function holding() {
  const asked: string[] = [];
  const sleepers = new Set<() => void>();
  const state = { able: false, now: 0 };
  const note = (what: string) => {
    asked.push(what);
    return Promise.resolve(null);
  };
  const source: ContentSource = {
    resolve: () => note("resolve"),
    stat: () => note("stat"),
    open: () => note("open"),
  };
  const clock = {
    now: () => state.now,
    sleep: (_ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted) return resolve();
        sleepers.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  return {
    asked,
    state,
    source: held(source, { isAble: () => state.able, until: UNTIL, clock }),
    /** Lets those who wait look again; tells how many did. */
    async look(): Promise<number> {
      const all = [...sleepers];
      sleepers.clear();
      all.forEach((wake) => wake());
      await new Promise((resolve) => setTimeout(resolve, 0));
      return all.length;
    },
  };
}

function all({ source }: ReturnType<typeof holding>, signal: AbortSignal) {
  return Promise.all([
    source.resolve(TAG, { signal }),
    source.stat(BLOB, { signal }),
    source.open(BLOB, { signal }),
  ]);
}

const { signal } = new AbortController();

Deno.test("held() asks nobody before the source is able, and then all at once", async () => {
  const held = holding();
  const answers = all(held, signal);
  for (let looks = 0; looks < 3; looks++) assert.equal(await held.look(), 3);
  assert.deepEqual(held.asked, []);
  held.state.able = true;
  await held.look();
  assert.deepEqual(await answers, [null, null, null]);
  assert.deepEqual(held.asked.toSorted(), ["open", "resolve", "stat"]);
});

Deno.test("held() lets nobody wait who comes later, whatever becomes of the source", async () => {
  const held = holding();
  held.state.able = true;
  await all(held, signal);
  held.state.able = false;
  await all(held, signal);
  assert.equal(held.asked.length, 6);
});

Deno.test("held() lets nobody wait when the time is up", async () => {
  const held = holding();
  const answers = all(held, signal);
  held.state.now = UNTIL;
  await held.look();
  await answers;
  held.state.now = 0;
  await all(held, signal);
  assert.equal(held.asked.length, 6);
});

Deno.test("held() ends a wait with its signal", async () => {
  const held = holding();
  const leave = new AbortController();
  const answers = all(held, leave.signal);
  leave.abort();
  await answers;
  assert.equal(held.asked.length, 3, "the source ends it");
});

Deno.test("held() lets no more wait than it may", async () => {
  const held = holding();
  const waiting = Array.from({ length: 300 }, () =>
    held.source.stat(BLOB, {
      signal,
    }));
  await held.look();
  assert.equal(held.asked.length, 300 - 256);
  held.state.able = true;
  await held.look();
  await Promise.all(waiting);
  assert.equal(held.asked.length, 300);
});
