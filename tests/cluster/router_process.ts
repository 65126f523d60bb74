/**
 * A router in a process of its own: it says where it is, and answers questions
 * on its input until that ends.
 *
 * @module
 */

import { NO_LOG } from "../../src/log.ts";
import { keptIdentity, startLibp2p } from "../../src/routing/libp2p/router.ts";
import { clusterNode } from "../routing/libp2p/libp2p_cluster.ts";
import { answersOf, type RouterProcessOptions } from "./commands.ts";
import { talk } from "./talk.ts";

const PEER_PORT_OFFSET = 10_000;

const [text = "{}"] = Deno.args;
const options: RouterProcessOptions = JSON.parse(text);
const router = await startLibp2p({
  identity: await keptIdentity(options.dataDir, { log: NO_LOG }),
  listen: { host: "127.0.0.1", port: options.port },
  prefix: `/peili/${options.network}`,
  swarmKey: options.swarmKey ? Uint8Array.fromHex(options.swarmKey) : null,
  bootstrap: { kind: "static", find: () => Promise.resolve(options.peers) },
  ip: null,
  zone: options.zone,
  replicas: options.replicas,
  log: NO_LOG,
});
// Nobody listens there; it only has to be another one for each node.
const port = router.port ^ PEER_PORT_OFFSET;
router.announce({ host: "127.0.0.1", port });

await talk(
  { info: router.info(), port: router.port },
  answersOf(router, clusterNode(router)),
);
await router[Symbol.asyncDispose]();
Deno.exit(0);
