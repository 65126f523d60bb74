/** containerd runs with what its files say now. @module */

import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { restartContainerd } from "../remedies.ts";

/** Checks whether containerd must be started again. */
export function restart(facts: Facts): Check {
  return {
    name: "restart",
    async run() {
      const { stale, files, unreadable } = await facts.pulls();
      if (stale) {
        const say = stale.certain ? problem : warning;
        return [say(stale.why, await restartContainerd(facts))];
      }
      if (files) {
        return [ok("containerd has started with its files as they are")];
      }
      return [skipped(`cannot be told: ${unreadable}`)];
    },
  };
}
