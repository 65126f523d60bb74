/**
 * The bootstrap that the options name.
 *
 * @module
 */

import type { Bootstrap } from "./bootstrap.ts";
import { dnsBootstrap } from "./dns.ts";
import { httpBootstrap } from "./http.ts";
import { staticBootstrap } from "./static.ts";

/** What the user says of bootstrap. */
export interface BootstrapOptions {
  /** Which kind. */
  readonly bootstrapKind: Bootstrap["kind"];
  /** `dns`: the name whose addresses are the nodes'. */
  readonly dnsBootstrapDomain: string;
  /** `http`: URL of a node that says who it is. */
  readonly httpBootstrapPeer: string;
  /** `static`: multiaddrs of nodes. */
  readonly staticBootstrapPeers: readonly string[];
}

/**
 * Makes the bootstrap.
 *
 * @param options What the user said
 * @param routerPort Port of the routers, for kinds that are not told any
 * @returns The bootstrap
 * @throws {Error} If the kind needs an option that is not there
 */
export function bootstrapOf(
  options: BootstrapOptions,
  routerPort: number,
): Bootstrap {
  const { dnsBootstrapDomain, httpBootstrapPeer, staticBootstrapPeers } =
    options;
  switch (options.bootstrapKind) {
    case "dns":
      if (dnsBootstrapDomain === "") {
        throw lacking("dns", "--dns-bootstrap-domain");
      }
      return dnsBootstrap({ domain: dnsBootstrapDomain, port: routerPort });
    case "http":
      if (httpBootstrapPeer === "") {
        throw lacking("http", "--http-bootstrap-peer");
      }
      return httpBootstrap({ peer: httpBootstrapPeer });
    case "static":
      if (staticBootstrapPeers.length === 0) {
        throw lacking("static", "--static-bootstrap-peers");
      }
      return staticBootstrap(staticBootstrapPeers);
  }
}

function lacking(kind: string, option: string): Error {
  return new Error(`Cannot use --bootstrap-kind ${kind}: ${option} is missing`);
}
