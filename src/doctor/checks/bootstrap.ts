/** Others are named, by whatever this node asks for them. @module */

import {
  type DiscoveryKind,
  KIND_OPTIONS,
  kindOf,
} from "../../routing/bootstrap/kinds.ts";
import { type Check, type Finding, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, quote, run, tell } from "../fix.ts";

/** The name of this check. */
export const BOOTSTRAP = "bootstrap";

/** Checks who is named. */
export function bootstrap(facts: Facts): Check {
  return {
    name: BOOTSTRAP,
    async run() {
      const { options } = facts;
      const all = Object.values(KIND_OPTIONS).join(", ");
      let kind: DiscoveryKind | null;
      try {
        kind = kindOf(options);
      } catch (error) {
        return [problem(wordsOf(error), [tell(`give Peili one of ${all}`)])];
      }
      switch (kind) {
        case null:
          return [
            warning("no other node is named: this one works alone", [
              tell(`give Peili one of ${all}, on every node`),
            ]),
          ];
        case "static-peers":
          return [ok(`${options.staticPeers.length} nodes are listed`)];
        case "dns":
        case "http":
        case "static":
          return [await named(facts, kind)];
      }
    },
  };
}

async function named(
  facts: Facts,
  kind: "dns" | "http" | "static",
): Promise<Finding> {
  const what = sourceOf(facts, kind);
  const fix = FIXES[kind](facts);
  let all: readonly string[];
  try {
    all = await facts.routers();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return problem(`${what} says nothing: ${wordsOf(error)}`, fix);
  }
  if (all.length === 0) return problem(`${what} names no node`, fix);
  const others = await facts.others();
  if (others.length === 0) return warning(`${what} names this node only`, fix);
  return ok(`${what} names ${all.length} nodes`);
}

function sourceOf({ options }: Facts, kind: "dns" | "http" | "static"): string {
  switch (kind) {
    case "dns":
      return options.dnsBootstrapDomain;
    case "http":
      return options.httpBootstrapPeer;
    case "static":
      return KIND_OPTIONS.static;
  }
}

const FIXES: Readonly<
  Record<"dns" | "http" | "static", (facts: Facts) => Fix>
> = {
  dns: ({ options: { dnsBootstrapDomain: name } }) => [
    run(`getent ahosts ${quote(name)}`),
    tell(
      `${KIND_OPTIONS.dns} must be a name with the address of every node: that of a headless Service (clusterIP: None, publishNotReadyAddresses: true) whose selector matches Peili's pods, in their namespace`,
    ),
  ],
  http: ({ options: { httpBootstrapPeer: url } }) => [
    run(`curl -sS ${quote(`${url}/id`)}`),
    tell(
      `${KIND_OPTIONS.http} must be another node's --http-bootstrap-addr, or a Service before all of them`,
    ),
  ],
  static: () => [
    tell(`name routers of other nodes in ${KIND_OPTIONS.static}`),
  ],
};

/** What lies below says more than what is above. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
