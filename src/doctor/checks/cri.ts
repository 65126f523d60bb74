/** containerd's CRI plugin runs: by it kubelet pulls. @module */

import { type Check, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { run, tell } from "../fix.ts";
import { restartContainerd } from "../remedies.ts";

/** The plugins that CRI is made of, before and since containerd 2.0. */
const PLUGINS = new Set([
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
]);

/** Checks the plugin. */
export function cri(facts: Facts): Check {
  return {
    name: "cri",
    async run() {
      const plugins = (await facts.plugins())
        .filter(({ type, id }) => PLUGINS.has(`${type}.${id}`));
      const restart = await restartContainerd(facts);
      const failed = plugins.find(({ failure }) => failure !== null);
      if (failed) {
        const saw = `containerd's CRI plugin does not run: ${failed.failure}`;
        return [
          problem(saw, [
            run("journalctl --unit containerd --grep cri --lines 20"),
            tell("mend what it says in containerd's configuration, then:"),
            ...restart,
          ]),
        ];
      }
      if (plugins.length > 0) return [ok("containerd's CRI plugin runs")];
      const { containerdConfig: file } = facts.options;
      return [
        // As the package of Docker has it; nerdctl needs no CRI.
        warning("containerd's CRI plugin is off: kubelet cannot pull", [
          run(`sed -i '/^disabled_plugins *=/s/"cri",\\? *//' ${file}`),
          ...restart,
        ]),
      ];
    },
  };
}
