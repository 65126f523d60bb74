/**
 * Several routers in one process, which counts what they say.
 *
 * @module
 */

import {
  type Libp2pRouter,
  startLibp2p,
} from "../../../src/routing/libp2p/router.ts";
import { NO_LOG } from "../../../src/log.ts";
import { lookups, usage } from "../../cluster/commands.ts";
import { talk } from "../../cluster/talk.ts";
import { newIdentity } from "../../../src/routing/libp2p/identity.ts";
import {
  type Counted,
  digestsOf,
  EVERYBODY,
  NETWORK,
  type RouterOptions,
  type RouterQuestions,
} from "./commands.ts";
import { countedTraffic, countTraffic } from "./traffic.ts";

const [text = "{}"] = Deno.args;
const { first }: RouterOptions = JSON.parse(text);
const routers: Libp2pRouter[] = [];

/** So that no two peer listeners have one address; nobody listens there. */
const PEER_PORT_OFFSET = 10_000;

async function start(peers: string[]): Promise<string> {
  const router = await startLibp2p({
    identity: newIdentity(),
    listen: { host: "127.0.0.1", port: 0 },
    prefix: NETWORK,
    swarmKey: null,
    bootstrap: { kind: "static", find: () => Promise.resolve(peers) },
    ip: null,
    zone: "",
    log: NO_LOG,
  });
  const port = router.port ^ PEER_PORT_OFFSET;
  router.announce({ host: "127.0.0.1", port });
  routers.push(router);
  return `/ip4/127.0.0.1/tcp/${router.port}`;
}

async function advertise(own: number, shared: number): Promise<void> {
  const all = digestsOf(EVERYBODY, shared);
  await Promise.all(routers.map(async (router, i) => {
    // Whom it does not reach, on a machine that is too busy, it tells later.
    await router.advertise([...digestsOf(first + i, own), ...all])
      .catch(() => {});
  }));
}

function counts(): Counted {
  return {
    usage: usage(),
    traffic: countedTraffic(),
    routers: routers.map((router) => router.counts()),
  };
}

await countTraffic();
await talk(null, async (name, args) => {
  const [one, two] = args as [never, never];
  switch (name as keyof RouterQuestions) {
    case "start":
      return await start(one);
    case "advertise":
      return await advertise(one, two);
    case "lookups": {
      const [router] = routers;
      const keys = (one as number[]).flatMap((node) => digestsOf(node, two));
      return router && await lookups(router, keys);
    }
    case "counts":
      return counts();
  }
});
Deno.exit(0);
