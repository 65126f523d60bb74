/** The snapshotter leaves whole layers that can be shared. @module */

import { type Check, ok, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { setInContainerd } from "../remedies.ts";

/** Those that fetch parts of layers by themselves, as a container reads them. */
const LAZY = ["stargz", "nydus", "soci", "overlaybd", "gcfs", "proxyfs"];

/** Checks the snapshotter. */
export function snapshotter(facts: Facts): Check {
  return {
    name: "snapshotter",
    async run() {
      const { snapshotter: name, files, from } = await facts.pulls();
      if (from === "nowhere") return [skipped("containerd does not tell")];
      if (!LAZY.some((lazy) => name.includes(lazy))) {
        return [ok(`${name} unpacks layers that containerd has pulled`)];
      }
      const file = files?.settings.snapshotter.file ?? null;
      return [
        warning(
          `${name} fetches layers by itself: there is nothing whole to share, ` +
            "and its requests do not come to Peili",
          await setInContainerd(facts, file, ["snapshotter", '"overlayfs"']),
        ),
      ];
    },
  };
}
