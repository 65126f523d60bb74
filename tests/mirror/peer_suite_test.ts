/**
 * A peer, asked over a real connection, is a content source.
 *
 * @module
 */

import { NO_LOG } from "../../src/log.ts";
import { NO_METRICS } from "../../src/metrics/metrics.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed } from "../../src/registry/observe.ts";
import { filledMemory } from "../content/filled_memory.ts";
import { sourceSuite } from "../suites/source_suite.ts";

sourceSuite("peerSource()", (content) => {
  const handler = registryHandler(filledMemory(content));
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    observed("peer", handler, { log: NO_LOG, metrics: NO_METRICS }),
  );
  return Promise.resolve({
    source: peerSource({ address: `127.0.0.1:${server.addr.port}` }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
});
