/** The names of peers resolve. @module */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { run, tell } from "../fix.ts";

/** How a name is looked up; rejects when there is none. */
export type Lookup = (name: string) => Promise<{ readonly address: string }>;

/** Checks every name among the peers' addresses. */
export function names(facts: Facts, find: Lookup = lookup): Check {
  return {
    name: "names",
    async run() {
      const hosts = facts.options.staticPeers
        .map((address) => address.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""))
        .filter((host) => isIP(host) === 0);
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
            `give ${name} an address in DNS or /etc/hosts, or name the peer by its address in every --static-peers`,
          ),
        ])
      );
    },
  };
}
