/**
 * Peers that are named in the configuration, over real connections.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inBackground } from "../../src/async/background.ts";
import { NO_LOG } from "../../src/log.ts";
import { deployment } from "../../src/proof/deployment.ts";
import { secretKeys } from "../../src/proof/secret.ts";
import { HOLDS_PREFIX, PEER_PATH } from "../../src/routing/peer_paths.ts";
import { staticPeers } from "../../src/routing/static_peers.ts";
import { eventually } from "../suites/eventually.ts";
import { smallImage } from "../suites/image.ts";
import { routerSuite } from "../suites/router_suite.ts";
import { watchedSignal } from "../suites/watched_signal.ts";
import { OPEN, peerCluster, peerServer, runningPeers } from "./peer_cluster.ts";

routerSuite("staticPeers()", peerCluster);

/** The deployment of this secret. */
const having = (secret: string, network = "peili") =>
  deployment({ network, keys: secretKeys(secret, network) });

routerSuite(
  "staticPeers() with a secret",
  (size) => peerCluster(size, having("a secret")),
);

Deno.test("staticPeers() counts only those of its own secret and network", async () => {
  const ours = having("a secret");
  const strangers = [having("another"), having("a secret", "other"), OPEN];
  await using parts = new AsyncDisposableStack();
  const [self, good, ...others] = [ours, ours, ...strangers].map(
    (members, index) => parts.use(peerServer(`node-${index}`, members)),
  );
  assert.ok(self && good);
  const addresses = [self, good, ...others].map(({ self }) => self.address);
  const { router } = parts.use(
    await runningPeers(self.self.id, addresses, 2, ours),
  );
  const near = router.nearest("key", 9).map(({ address }) => address);
  assert.deepEqual(
    near.toSorted(),
    [self.self.address, good.self.address].toSorted(),
  );
  // And they count neither of ours, with whatever they know.
  for (const [index, members] of strangers.entries()) {
    const own = others[index]?.self.address ?? "";
    const known = [own, good.self.address];
    const theirs = await runningPeers(`node-${index + 2}`, known, 1, members);
    const nearest = parts.use(theirs).router.nearest("key", 9);
    assert.deepEqual(nearest.map(({ address }) => address), [own]);
  }
});

const { signal: PATIENT } = new AbortController();

async function addressesOf(
  peers: AsyncIterable<{ address: string }>,
): Promise<string[]> {
  const addresses: string[] = [];
  for await (const { address } of peers) addresses.push(address);
  return addresses;
}

Deno.test("staticPeers() is not ready before it has asked, but counts who may come", async () => {
  const address = "127.0.0.1:1";
  const router = staticPeers({ id: "a", addresses: [address], log: NO_LOG });
  assert.ok(!router.ready().ready);
  assert.deepEqual(router.nearest("key", 9), [{ id: address, address }]);
  assert.equal(router.self(), null);
  const found = router.lookup("key", { signal: PATIENT });
  assert.deepEqual(await addressesOf(found), []);
});

Deno.test("staticPeers() is ready when it is alone", async () => {
  await using self = peerServer("self");
  const { address } = self.self;
  await using running = await runningPeers("self", [address, "127.0.0.1:1"], 1);
  assert.deepEqual(running.router.ready(), { ready: true });
});

Deno.test("staticPeers() waits for a silent peer once, and for nobody else", async () => {
  await using silent = peerServer("silent");
  await using good = peerServer("good");
  const digest = good.store.put("content");
  const addresses = [silent.self.address, good.self.address];
  await using running = await runningPeers("self", addresses, 2);
  silent.fallSilent();
  const lookup = () => running.router.lookup(digest, { signal: PATIENT });

  // The good one is told while the silent one is still waited for.
  const first = lookup()[Symbol.asyncIterator]();
  assert.equal((await first.next()).value?.address, good.self.address);
  assert.ok((await first.next()).done);
  assert.deepEqual(await addressesOf(lookup()), [good.self.address]);
  assert.equal(silent.asked.length, 1);
  assert.equal(good.asked.length, 2);
});

Deno.test("staticPeers() ends its questions with the lookup, and holds it against nobody", async () => {
  const peers = ["10.0.0.1:5002", "10.0.0.2:5002"];
  const questions: Promise<string>[] = [];
  const router = staticPeers({
    id: "self",
    addresses: peers,
    log: NO_LOG,
    fetcher(input, init) {
      const { host, pathname } = new URL(String(input));
      if (pathname === PEER_PATH) {
        return Promise.resolve(Response.json({ id: host }));
      }
      if (host === peers[0]) return Promise.resolve(new Response(null));
      const question = untilAborted(init?.signal);
      questions.push(question.catch((error) => error.name));
      return question;
    },
  });
  await using _running = inBackground((signal) => router.run(signal));
  await eventually("both were asked", () => router.ready().ready);
  const { signal, listeners } = watchedSignal(new AbortController());
  for await (const _ of router.lookup("key", { signal })) break;
  assert.deepEqual(await Promise.all(questions), ["AbortError"]);
  await Promise.resolve();
  assert.equal(router.nearest("", 9).length, 2);
  assert.equal(listeners.size, 0);
});

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

Deno.test("staticPeers() asks for keys so that they arrive whole", async () => {
  await using other = peerServer("other");
  const { manifest, tag } = smallImage("deep/name-1");
  other.store.tag(tag, other.store.put(manifest));
  await using running = await runningPeers("self", [other.self.address], 1);
  const found = running.router.lookup(tag, { signal: PATIENT });
  assert.deepEqual(await addressesOf(found), [other.self.address]);
  assert.deepEqual(other.asked, [HOLDS_PREFIX + encodeURIComponent(tag)]);
});

Deno.test("staticPeers() leaves out who answers but is no Peili", async () => {
  const long = JSON.stringify({ id: "x".repeat(5_000) });
  const answers = ["not JSON", "null", "{}", '{"id":5}', long];
  const strangers = answers.map((answer) =>
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response(answer),
    )
  );
  await using good = peerServer("good");
  const addresses = strangers.map(({ addr }) => `127.0.0.1:${addr.port}`);
  {
    const all = [...addresses, good.self.address];
    await using running = await runningPeers("self", all, 1);
    assert.deepEqual(running.router.nearest("key", 9), [good.self]);
  }
  await Promise.all(strangers.map((server) => server.shutdown()));
});

Deno.test("staticPeers() finds a peer that comes later", async () => {
  await using late = peerServer("late");
  let there = false;
  const router = staticPeers({
    id: "self",
    addresses: [late.self.address],
    log: NO_LOG,
    fetcher: (input, init) =>
      there ? fetch(input, init) : Promise.reject(new TypeError("refused")),
  });
  const ended = new AbortController();
  const running = router.run(ended.signal);
  await eventually("it has asked", () => router.ready().ready);
  const { address } = late.self;
  assert.deepEqual(router.nearest("key", 9), [{ id: address, address }]);
  there = true;
  const near = () => router.nearest("key", 9);
  await eventually("it is found", () => near()[0]?.id === late.self.id);
  assert.deepEqual(near(), [late.self]);
  ended.abort();
  await running;
});
