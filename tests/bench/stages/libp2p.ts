/** The runtime with logs, metrics, a connected gRPC client and a router. @module */
import { NO_LOG } from "../../../src/log.ts";
import {
  keptIdentity,
  startLibp2p,
} from "../../../src/routing/libp2p/router.ts";

await startLibp2p({
  identity: await keptIdentity("/dev/null/none", { log: NO_LOG }),
  listen: { host: "127.0.0.1", port: 0 },
  prefix: "/peili/bench",
  swarmKey: null,
  bootstrap: { kind: "static", find: () => Promise.resolve([]) },
  ip: null,
  zone: "",
  log: NO_LOG,
});
await import("./grpc.ts"); // Stays there.
