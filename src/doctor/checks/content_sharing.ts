/** Whether containerd's namespaces share content. @module */

import { type Check, ok } from "../check.ts";
import type { Facts } from "../facts.ts";

/** Checks `content_sharing_policy`; Peili keeps to either. */
export function contentSharing(facts: Facts): Check {
  return {
    name: "content-sharing",
    async run() {
      const plugins = await facts.plugins();
      const { exports: { policy = "shared" } = {} } =
        plugins.find(({ type }) => type === "io.containerd.metadata.v1") ?? {};
      const { containerdNamespace: name } = facts.options;
      return [
        ok(
          policy === "isolated"
            ? `isolated: what other namespaces have is pulled again for ${name}`
            : `${policy}; Peili gives only what ${name} has`,
        ),
      ];
    },
  };
}
