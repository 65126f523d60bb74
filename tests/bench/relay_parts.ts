/**
 * Processes of the relay benchmark: one serves a file as a peer does, one
 * relays it as the mirror does, one relays it with nothing between fetch and
 * Response. Prints its port.
 *
 *     relay_parts.ts origin FILE
 *     relay_parts.ts relay|plain PEER_ADDRESS
 *
 * @module
 */
import { fileBody } from "../../src/content/file_body.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { NO_LOG } from "../../src/log.ts";
import { metricsRegistry } from "../../src/metrics/metrics.ts";
import { aside } from "../../src/mirror/aside.ts";
import { peerSource } from "../../src/mirror/peer.ts";
import { swarm } from "../../src/mirror/swarm.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed, type ServeHandler } from "../../src/registry/observe.ts";
import { memoryNetwork } from "../../src/routing/memory.ts";

/** The digest under which the file is asked for; nobody checks a large one. */
export const RELAY_DIGEST: Digest = digestOf("relay");

const DEPS = { log: NO_LOG, metrics: metricsRegistry(), freeChunks: true };

function origin(file: string): ServeHandler {
  const { size } = Deno.statSync(file);
  const descriptor = {
    mediaType: "application/octet-stream",
    digest: RELAY_DIGEST,
    size,
    from: "local",
  };
  const source: ContentSource = {
    resolve: () => Promise.resolve(null),
    stat: () => Promise.resolve(descriptor),
    async open() {
      const body = fileBody(await Deno.open(file), { start: 0, end: size - 1 });
      return { descriptor, range: null, body, from: "local" };
    },
  };
  return observed("peer", registryHandler(source), DEPS);
}

function relay(address: string): ServeHandler {
  const network = memoryNetwork();
  const router = network.join({ id: "self", address: "" });
  void network.join({ id: "peer", address }).advertise([RELAY_DIGEST]);
  const source = swarm({
    router,
    connect: (peer) => peerSource({ address: peer.address }),
    aside: aside(),
    ...DEPS,
  });
  return observed("mirror", registryHandler(source), DEPS);
}

function plain(address: string): ServeHandler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const { body, headers } = await fetch(`http://${address}${pathname}`);
    const length = headers.get("Content-Length") ?? "";
    return new Response(body, { headers: { "Content-Length": length } });
  };
}

if (import.meta.main) {
  const [role, what = ""] = Deno.args;
  const roles = { origin, relay, plain };
  const handler = roles[role as keyof typeof roles](what);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  await Deno.stdout.write(new TextEncoder().encode(`${server.addr.port}\n`));
}
