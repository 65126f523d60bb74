/** The addresses in hosts.toml are this node's. @module */

import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { isHere } from "../mirrors.ts";
import { configureHosts } from "../remedies.ts";

/** Checks the first address of each file; those that follow may be a service's. */
export function nodeIp(facts: Facts): Check {
  return {
    name: "node-ip",
    async run() {
      const { ownHosts } = await facts.mirrors();
      const firsts = (await facts.folders()).flatMap((folder) => {
        const [host] = ownHosts(folder);
        return host ? [host.url] : [];
      });
      const here = facts.addresses();
      const elsewhere = [...new Set(firsts)].filter((url) => {
        const { hostname } = URL.parse(url) ?? {};
        return hostname !== undefined && !isHere(hostname, here);
      });
      if (elsewhere.length === 0) {
        return [ok(`this node is ${here.join(", ")}`)];
      }
      const fix = await configureHosts(facts);
      return elsewhere.map((url) =>
        problem(
          `hosts.toml names ${url}, and this node is ${here.join(", ")}`,
          fix,
        )
      );
    },
  };
}
