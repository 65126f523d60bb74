/** How the Peilis of a lab find each other, as flags. @module */
import type { Node } from "./node.ts";
import type { PeiliFlags } from "./peili_command.ts";

/** The port of every node's router. */
const ROUTER_PORT = 5001;

/**
 * Flags of libp2p and a kind of bootstrap, and not of the list of peers that
 * nodes have otherwise.
 */
export function foundBy(
  kind: "dns" | "http" | "static",
  flags: PeiliFlags,
): PeiliFlags {
  return { staticPeers: null, bootstrapKind: kind, ...flags };
}

/** Flags by which nodes find each other over libp2p, told of some of them. */
export function foundByRouters(told: readonly Node[]): PeiliFlags {
  const routers = told.map(({ ip }) => `/ip4/${ip}/tcp/${ROUTER_PORT}`);
  return foundBy("static", { staticBootstrapPeers: routers.join() });
}
