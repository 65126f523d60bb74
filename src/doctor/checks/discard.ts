/** Layers stay after they are unpacked, so that they can be shared. @module */

import { type Check, ok, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { setInContainerd } from "../remedies.ts";

/** Checks `discard_unpacked_layers`. */
export function discard(facts: Facts): Check {
  return {
    name: "discard-unpacked-layers",
    async run() {
      const { discardUnpackedLayers, files, from } = await facts.pulls();
      if (from === "nowhere") return [skipped("containerd does not tell")];
      if (!discardUnpackedLayers) return [ok("layers stay for others to have")];
      const file = files?.settings.discardUnpackedLayers.file ?? null;
      return [
        warning(
          "containerd throws layers away once they are unpacked: nodes still " +
            "share what they pull at the same time, and nothing afterwards",
          await setInContainerd(facts, file, [
            "discard_unpacked_layers",
            "false",
          ]),
        ),
      ];
    },
  };
}
