/**
 * Twenty routers in processes of their own: they find each other and what they
 * have, whoever dies, and never those of another network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "../suites/eventually.ts";
import type { LookedUp } from "./commands.ts";
import { shuffled } from "../suites/shuffled.ts";
import {
  knowEachOther,
  PATIENCE_MS,
  type RouterProcess,
  startRouter,
  startRouters,
} from "./routers.ts";

const SIZE = 20;
const KEYS = 25;

/** What a router has; no two have one key. */
function keysOf({ id }: RouterProcess): string[] {
  return Array.from({ length: KEYS }, (_, index) => `${id} ${index}`);
}

async function advertise(routers: readonly RouterProcess[]): Promise<void> {
  await Promise.all(routers.map((one) => one.ask("advertise", keysOf(one))));
}

/** Each of some finds all that each of others has; returns what it did not. */
async function missed(
  askers: readonly RouterProcess[],
  holders: readonly RouterProcess[],
): Promise<number> {
  const missing = await Promise.all(askers.map(async (asker) => {
    const keys = holders.filter(({ id }) => id !== asker.id).flatMap(keysOf);
    const { found } = await asker.ask("lookups", keys);
    return keys.length - found;
  }));
  return missing.reduce((sum, count) => sum + count, 0);
}

async function findAll(
  askers: readonly RouterProcess[],
  holders: readonly RouterProcess[],
): Promise<void> {
  await eventually(
    "all is found",
    async () => await missed(askers, holders) === 0,
    PATIENCE_MS,
  );
}

Deno.test(`${SIZE} routers find each other and all content, and again after any third of them was killed`, async () => {
  await using stack = new AsyncDisposableStack();
  const routers = await startRouters(SIZE, {}, stack);
  await advertise(routers);
  await findAll(routers, routers);

  // The first, by whom the others joined, may be among the dead.
  const [dead, alive] = halves(shuffled(routers), Math.ceil(SIZE / 3));
  await Promise.all(dead.map((router) => router.kill()));
  await knowEachOther(alive);
  // Each of these asks three others: a few of them will do.
  for (const router of alive.slice(0, 3)) {
    const { found } = await router.ask("lookups", dead.flatMap(keysOf));
    assert.equal(found, 0, "the dead have nothing");
  }
  await findAll(alive, alive);

  const peers = alive.slice(0, 2).map(({ multiaddr }) => multiaddr);
  const fresh = await Promise.all(
    dead.map(async () => stack.use(await startRouter({ peers }))),
  );
  const all = [...alive, ...fresh];
  await knowEachOther(all);
  await findAll(fresh, alive);
  await advertise(fresh);
  await findAll(all, all);
});

function halves<T>(items: readonly T[], first: number): [T[], T[]] {
  return [items.slice(0, first), items.slice(first)];
}

Deno.test("a router that was killed comes back as the same one, and what it has is found", async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "peili-cluster-" });
  stack.defer(() => Deno.remove(dataDir, { recursive: true }));
  const others = await startRouters(3, {}, stack);
  const peers = others.map(({ multiaddr }) => multiaddr);
  const before = stack.use(await startRouter({ dataDir, peers }));
  await knowEachOther([...others, before]);
  await before.kill();
  const after = stack.use(
    await startRouter({ dataDir, peers, port: before.port }),
  );
  assert.equal(after.id, before.id);
  await advertise([...others, after]);
  await knowEachOther([...others, after]);
  await findAll([...others, after], [...others, after]);
});

Deno.test("a router that stands still is away for all, and comes back with what it has when it goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const routers = await startRouters(5, {}, stack);
  const [first, still, ...others] = routers;
  assert.ok(first && still);
  const rest = [first, ...others];
  await advertise(routers);
  still.freeze();
  await knowEachOther(rest);
  for (const router of rest) {
    const looked: LookedUp = await router.ask("lookups", keysOf(still));
    assert.equal(looked.found, 0);
  }
  still.thaw();
  await knowEachOther(routers);
  await findAll(routers, routers);
});

Deno.test("who stops of his own will is away at once, for all", async () => {
  await using stack = new AsyncDisposableStack();
  const routers = await startRouters(4, {}, stack);
  await advertise(routers);
  const [leaver, ...others] = routers;
  assert.ok(leaver);
  await leaver.stop();
  await knowEachOther(others);
  const [other] = others;
  const { found } = await other?.ask("lookups", keysOf(leaver)) ?? {};
  assert.equal(found, 0);
});

const SECRET = "01".repeat(32);
const OTHER_SECRET = "02".repeat(32);

Deno.test.each([
  { name: "of another name", ours: { network: "a" }, theirs: { network: "b" } },
  {
    name: "with another secret",
    ours: { swarmKey: SECRET },
    theirs: { swarmKey: OTHER_SECRET },
  },
  {
    name: "without the secret",
    ours: { swarmKey: SECRET },
    theirs: { swarmKey: "" },
  },
])(
  "two networks, one $name, never merge though they name each other",
  async ({ ours, theirs }) => {
    await using stack = new AsyncDisposableStack();
    const us = await startRouters(3, ours, stack);
    const peers = us.map(({ multiaddr }) => multiaddr);
    const them = await startRouters(3, { ...theirs, peers }, stack);
    // Ours are told of theirs, too.
    const late = stack.use(
      await startRouter({
        ...ours,
        peers: [...them.map(({ multiaddr }) => multiaddr), ...peers],
      }),
    );
    const all = [...us, late];
    await knowEachOther(all);
    await knowEachOther(them);
    await advertise([...all, ...them]);
    await findAll(all, all);
    await findAll(them, them);
    for (const [some, others] of [[all, them], [them, all]] as const) {
      for (const router of some) {
        const { found } = await router.ask("lookups", others.flatMap(keysOf));
        assert.equal(found, 0);
      }
    }
    await knowEachOther(all);
    await knowEachOther(them);
  },
);

Deno.test("strangers who say nothing are hung up on, and keep no member out", async () => {
  await using stack = new AsyncDisposableStack();
  const swarmKey = SECRET;
  const members = await startRouters(2, { swarmKey }, stack);
  const [{ port }] = members as [RouterProcess];
  const strangers = await Promise.all(
    Array.from(
      { length: 40 },
      () => Deno.connect({ hostname: "127.0.0.1", port }),
    ),
  );
  const peers = members.map(({ multiaddr }) => multiaddr);
  const late = stack.use(await startRouter({ swarmKey, peers }));
  await knowEachOther([...members, late]);
  const ends = strangers.map(async (stranger) => {
    let bytes = 0;
    try {
      for await (const chunk of stranger.readable) bytes += chunk.length;
    } catch (error) {
      assert.ok(error instanceof Deno.errors.ConnectionReset);
    }
    return bytes;
  });
  // A nonce is all that whoever has no key gets.
  for (const bytes of await Promise.all(ends)) {
    assert.ok(bytes <= 24, `${bytes}`);
  }
});
