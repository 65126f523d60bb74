/**
 * Waiting for a peer for as long as its node answers, and no longer.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  whileAlive,
  type WhileAliveDeps,
} from "../../src/mirror/while_alive.ts";
import { watchedSignal } from "../suites/watched_signal.ts";

/** What a ping does, in order; the last one again and again. */
type Sign = "answers" | "fails" | "is silent";

/** A node that does this when it is looked at, and how often it was. */
function node(...signs: readonly Sign[]): {
  deps: WhileAliveDeps;
  looks: string[];
  looked(times: number): Promise<void>;
} {
  const looks: string[] = [];
  const waiting: { times: number; resolve: () => void }[] = [];
  const tell = () =>
    waiting.filter(({ times }) => times === looks.length)
      .forEach(({ resolve }) => resolve());
  return {
    looks,
    looked: (times) =>
      looks.length >= times
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ times, resolve })),
    deps: {
      lookMs: 5,
      ping({ address }, signal) {
        const sign = signs[Math.min(looks.length, signs.length - 1)];
        looks.push(address);
        tell();
        if (sign === "answers") return Promise.resolve();
        if (sign === "fails") return Promise.reject(new Error("refused"));
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    },
  };
}

/** Resolves with the reason when a signal aborts. */
function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason));
    if (signal.aborted) resolve(signal.reason);
  });
}

const { signal: forEver } = new AbortController();

Deno.test("whileAlive() returns what the work returned, without a look", async () => {
  const { deps, looks } = node("fails");
  const result = await whileAlive(
    { ...deps, lookMs: 60_000 },
    "a:1",
    forEver,
    (alive) => Promise.resolve(alive.aborted ? "aborted" : "done"),
  );
  assert.equal(result, "done");
  assert.deepEqual(looks, []);
});

Deno.test("whileAlive() passes on that the work failed", async () => {
  const { deps } = node("answers");
  const broke = new Error("broke");
  const work = () => Promise.reject(broke);
  await assert.rejects(whileAlive(deps, "a:1", forEver, work), broke);
});

Deno.test("whileAlive() waits for as long as the node answers", async () => {
  const { deps, looks, looked } = node("answers");
  const result = await whileAlive(deps, "a:1", forEver, async (alive) => {
    await looked(6);
    return alive.aborted;
  });
  assert.ok(!result);
  assert.deepEqual(new Set(looks), new Set(["a:1"]));
});

Deno.test.each(["fails", "is silent"] as const)(
  "whileAlive() gives up a node that %s twice in a row",
  async (sign) => {
    const { deps, looks } = node("answers", sign);
    const reason = await whileAlive(deps, "a:1", forEver, aborted);
    assert.match(String(reason), /Cannot wait for a:1: its node is gone/);
    assert.equal(looks.length, 3, "one that answered, two that did not");
  },
);

Deno.test("whileAlive() forgives one look without an answer", async () => {
  const { deps, looked } = node(
    "fails",
    "answers",
    "is silent",
    "answers",
    "fails",
    "answers",
  );
  const result = await whileAlive(deps, "a:1", forEver, async (alive) => {
    await looked(9);
    return alive.aborted;
  });
  assert.ok(!result);
});

Deno.test("whileAlive() looks no more when it has given up", async () => {
  const { deps, looks } = node("fails");
  await whileAlive(deps, "a:1", forEver, async (alive) => {
    await aborted(alive);
    // Longer than several looks.
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
  assert.equal(looks.length, 2);
});

Deno.test("whileAlive() ends with its client, for the same reason", async () => {
  const { deps } = node("answers");
  const client = new AbortController();
  const left = new Error("left");
  const reason = await whileAlive(deps, "a:1", client.signal, (alive) => {
    client.abort(left);
    return aborted(alive);
  });
  assert.equal(reason, left);
});

Deno.test("whileAlive() does not begin to wait for a client that has left", async () => {
  const { deps } = node("answers");
  const left = new Error("left");
  const client = AbortSignal.abort(left);
  assert.equal(await whileAlive(deps, "a:1", client, aborted), left);
});

Deno.test("whileAlive() ends a look that is under way with the work", async () => {
  const { deps, looked } = node("is silent");
  // The answer may take a minute, the test may not.
  const slow: WhileAliveDeps = { ...deps, lookMs: 60_000 };
  let begin = () => {};
  const begun = new Promise<void>((resolve) => begin = resolve);
  const pinged: WhileAliveDeps = {
    ...slow,
    lookMs: 1,
    ping: (peer, signal) => (begin(), slow.ping(peer, signal)),
  };
  await whileAlive(pinged, "a:1", forEver, () => begun);
  await looked(1);
});

Deno.test.each(["ends", "fails", "is given up"] as const)(
  "whileAlive() leaves nothing at its client's signal when the work %s",
  async (how) => {
    const { deps } = node("fails");
    const { signal, listeners } = watchedSignal(new AbortController());
    const work = async (alive: AbortSignal) => {
      assert.equal(listeners.size, 1);
      if (how === "is given up") await aborted(alive);
      if (how === "fails") throw new Error("broke");
    };
    await whileAlive(deps, "a:1", signal, work).catch(() => {});
    assert.equal(listeners.size, 0);
  },
);
