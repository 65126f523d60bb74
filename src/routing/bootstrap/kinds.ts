/**
 * The bootstrap that the options name.
 *
 * @module
 */

import type { Bootstrap } from "./bootstrap.ts";
import { dnsBootstrap } from "./dns.ts";
import { httpBootstrap } from "./http.ts";
import { staticBootstrap } from "./static.ts";

/** How nodes find each other: by a bootstrap, or by a list of all. */
export type DiscoveryKind = Bootstrap["kind"] | "static-peers";

/** What the user says of how nodes find each other. */
export interface KindOptions extends Omit<BootstrapOptions, "bootstrapKind"> {
  /** Which kind; "": the one whose option is given. */
  readonly bootstrapKind: DiscoveryKind | "";
  /** `http`: where this node says who it is; "": not given. */
  readonly httpBootstrapAddr: unknown;
  /** `static-peers`: `host:port` of every node's peer listener. */
  readonly staticPeers: readonly string[];
}

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

/** The options that tell each kind of others. */
export const KIND_OPTIONS: Readonly<Record<DiscoveryKind, string>> = {
  "static-peers": "--static-peers",
  dns: "--dns-bootstrap-domain",
  http: "--http-bootstrap-peer",
  static: "--static-bootstrap-peers",
};

/**
 * Tells how nodes find each other.
 *
 * @param options What the user said
 * @returns The kind that was named, else that whose option was given; null for a
 * node that was told of no other
 * @throws {Error} If options of two kinds were given and none was named, or the
 * list of peers was named and is empty
 */
export function kindOf(options: KindOptions): DiscoveryKind | null {
  const { bootstrapKind: named, staticPeers } = options;
  if (named === "static-peers" && staticPeers.length === 0) {
    throw lacking(named);
  }
  if (named !== "") return named;
  const given = givenKinds(options);
  if (given.length > 1) {
    const flags = given.map((kind) => KIND_OPTIONS[kind]).join(" and ");
    const kinds = given.join(" or ");
    throw new Error(
      `Cannot tell how nodes find each other: ${flags} are given; --bootstrap-kind says which counts, ${kinds}`,
    );
  }
  return given[0] ?? null;
}

function givenKinds(options: KindOptions): DiscoveryKind[] {
  const isGiven: Readonly<Record<DiscoveryKind, boolean>> = {
    "static-peers": options.staticPeers.length > 0,
    dns: options.dnsBootstrapDomain !== "",
    http: options.httpBootstrapPeer !== "" ||
      options.httpBootstrapAddr !== "",
    static: options.staticBootstrapPeers.length > 0,
  };
  const kinds = Object.keys(isGiven) as DiscoveryKind[];
  return kinds.filter((kind) => isGiven[kind]);
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
        throw lacking("dns");
      }
      return dnsBootstrap({ domain: dnsBootstrapDomain, port: routerPort });
    case "http":
      if (httpBootstrapPeer === "") {
        throw lacking("http");
      }
      return httpBootstrap({ peer: httpBootstrapPeer });
    case "static":
      if (staticBootstrapPeers.length === 0) {
        throw lacking("static");
      }
      return staticBootstrap(staticBootstrapPeers);
  }
}

function lacking(kind: DiscoveryKind): Error {
  return new Error(
    `Cannot use --bootstrap-kind ${kind}: ${KIND_OPTIONS[kind]} is missing`,
  );
}
