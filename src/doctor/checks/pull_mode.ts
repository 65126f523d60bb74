/** How containerd fetches layers suits a mirror that streams them. @module */

import { type Check, ok, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { setInContainerd } from "../remedies.ts";

/** Checks `use_local_image_pull` and `concurrent_layer_fetch_buffer`. */
export function pullMode(facts: Facts): Check {
  return {
    name: "pull-mode",
    async run() {
      const pulls = await facts.pulls();
      if (pulls.from === "nowhere") {
        return [skipped("containerd does not tell")];
      }
      const by = pulls.by === "transfer"
        ? "its transfer service"
        : "containerd itself";
      const bytes = pulls.concurrentLayerFetchBuffer;
      if (bytes === 0) return [ok(`${by} pulls, each layer as one stream`)];
      const setting = pulls.files?.settings.concurrentLayerFetchBuffer;
      return [
        warning(
          `${by} pulls layers in parallel ranges of ${bytes} bytes: one that ` +
            "fails fails the pull, and layers still in flight come as one stream",
          await setInContainerd(facts, setting?.file ?? null, [
            "concurrent_layer_fetch_buffer",
            "0",
          ]),
        ),
      ];
    },
  };
}
