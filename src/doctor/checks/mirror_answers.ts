/** Where hosts.toml sends containerd, Peili answers. @module */

import {
  type Check,
  type Finding,
  ok,
  problem,
  skipped,
  warning,
} from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, run, tell } from "../fix.ts";
import { answersAsPeili, reachable } from "../mirrors.ts";
import { configureHosts } from "../remedies.ts";

/** Checks the targets. */
export function mirrorAnswers(facts: Facts): Check {
  return {
    name: "mirror-answers",
    async run(signal) {
      const { named, answers, runs, target } = await facts.mirrors();
      if (named.length === 0) return [skipped("no hosts.toml names Peili")];
      const asked = await Promise.all(named.map(async (url) => ({
        url,
        answer: await answersAsPeili(url, facts.fetcher, signal),
      })));
      const good = asked.filter(({ answer }) => answer === "peili");
      if (good.length > 0 && asked[0]?.answer === "peili") {
        return [
          ok(`Peili answers at ${good.map(({ url }) => url).join(", ")}`),
        ];
      }
      const [{ url = "", answer } = {}] = asked;
      const who = answer === "other" ? "another program" : "nobody";
      if (answers) {
        const saw = `${who} answers at ${url}; Peili is at ${target}`;
        return [problem(saw, await configureHosts(facts))];
      }
      if (runs) return [notReached(facts, `${who} answers at ${url}`)];
      return [
        warning(`${who} answers at ${url}: Peili does not run here`, [
          run("systemctl restart peili"),
          tell("or, in a cluster, look at its pod on this node"),
        ]),
      ];
    },
  };
}

/** It listens at another address, or a pod's port is not the node's. */
function notReached({ options: { mirrorAddr } }: Facts, saw: string): Finding {
  const { hostname, port } = mirrorAddr;
  const everywhere = reachable(mirrorAddr).hostname !== hostname;
  return problem(`${saw}, though Peili runs here`, [
    everywhere
      ? tell(
        `let a port of the node (hostPort, 30020) lead to port ${port} of Peili's pod; the CNI needs its portmap plugin for that`,
      )
      : option("--mirror-addr", `:${port}`),
  ]);
}
