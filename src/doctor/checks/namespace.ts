/** The namespace whose content is shared is there. @module */

import { type Check, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, run } from "../fix.ts";

/** Where kubelet's images are. */
const KUBELET = "k8s.io";

/** Checks the namespace. */
export function namespace(facts: Facts): Check {
  const name = facts.options.containerdNamespace;
  return {
    name: "namespace",
    async run() {
      const all = await facts.namespaces();
      const there = all.includes(name);
      if (name !== KUBELET && all.includes(KUBELET)) {
        const saw = `${name} is shared, kubelet's images are in ${KUBELET}`;
        const fix = [option("--containerd-namespace", KUBELET)];
        return [there ? warning(saw, fix) : problem(saw, fix)];
      }
      if (there) return [ok(`${name} is there`)];
      if (name === KUBELET && all.length === 0) {
        return [ok(`${name} comes with the first image`)];
      }
      const saw = `${name} is not there; there are: ${
        all.join(", ") || "none"
      }`;
      return [warning(saw, [run("ctr namespaces list")])];
    },
  };
}
