/** The names of peers resolve. @module */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { hostOf } from "../neighbours.ts";
import { run, tell } from "../fix.ts";

/** How a name is looked up; rejects when there is none. */
export type Lookup = (name: string) => Promise<{ readonly address: string }>;

/** Checks every name among the peers' addresses. */
export function names(facts: Facts, find: Lookup = lookup): Check {
  return {
    name: "names",
    async run() {
      const hosts = hostsOf(facts).filter((host) => isIP(host) === 0);
      if (hosts.length === 0) return [ok("peers are named by address")];
      const failed = await Promise.all([...new Set(hosts)].map(async (name) => {
        try {
          await find(name);
          return null;
        } catch {
          return name;
        }
      }));
      const unknown = failed.filter((name) => name !== null);
      if (unknown.length === 0) return [ok(`${hosts.join(", ")} resolve`)];
      return unknown.map((name) =>
        problem(`the name ${name} does not resolve on this node`, [
          run(`getent hosts ${name}`),
          tell(
            `give ${name} an address in DNS or /etc/hosts, or name the node by its address wherever Peili is told of it`,
          ),
        ])
      );
    },
  };
}

/** What DNS answers for a bootstrap's name is looked at by its own check. */
function hostsOf({ options }: Facts): string[] {
  const { staticPeers, staticBootstrapPeers, httpBootstrapPeer } = options;
  const asked = URL.parse(httpBootstrapPeer)?.hostname ?? "";
  return [
    ...staticPeers.map((address) => address.replace(/:\d+$/, "")),
    ...staticBootstrapPeers.map(hostOf),
    ...(asked === "" ? [] : [asked]),
  ].map((host) => host.replace(/^\[|\]$/g, ""));
}
