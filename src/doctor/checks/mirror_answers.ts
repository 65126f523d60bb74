/** Where hosts.toml sends containerd, Peili answers. @module */

import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { run, tell } from "../fix.ts";
import { answersAsPeili } from "../mirrors.ts";
import { configureHosts } from "../remedies.ts";

/** Checks the targets. */
export function mirrorAnswers(facts: Facts): Check {
  return {
    name: "mirror-answers",
    async run(signal) {
      const { named, runs, target } = await facts.mirrors();
      if (named.length === 0) return [skipped("no hosts.toml names Peili")];
      const answers = await Promise.all(named.map(async (url) => ({
        url,
        answer: await answersAsPeili(url, facts.fetcher, signal),
      })));
      const good = answers.filter(({ answer }) => answer === "peili");
      if (good.length > 0 && answers[0]?.answer === "peili") {
        return [
          ok(`Peili answers at ${good.map(({ url }) => url).join(", ")}`),
        ];
      }
      const [{ url = "", answer } = {}] = answers;
      const who = answer === "other" ? "another program" : "nobody";
      if (runs) {
        const saw = `${who} answers at ${url}; Peili is at ${target}`;
        return [problem(saw, await configureHosts(facts))];
      }
      return [
        warning(`${who} answers at ${url}: Peili does not run here`, [
          run("systemctl restart peili"),
          tell("or, in a cluster, look at its pod on this node"),
        ]),
      ];
    },
  };
}
