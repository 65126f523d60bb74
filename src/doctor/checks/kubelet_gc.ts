/** kubelet collects images: Peili has no collection of its own. @module */

import { type Check, ok, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { quote, run } from "../fix.ts";

/** Percent of the disk from which on kubelet collects; 100 is never. */
const NEVER = 100;
const DEFAULT = 85;

/** Checks kubelet's image garbage collection. */
export function kubeletGc(facts: Facts): Check {
  const path = facts.options.kubeletConfig;
  return {
    name: "kubelet-image-gc",
    async run() {
      const text = await readText(path);
      if (text === null) return [ok(`there is no ${path}: no kubelet here`)];
      const high = numberOf(text, "imageGCHighThresholdPercent") ?? DEFAULT;
      if (high < NEVER) return [ok(`images go from ${high} % of the disk on`)];
      const file = quote(path);
      return [
        warning(`kubelet never collects images: the disk fills (${path})`, [
          run(
            `sed -i 's/\\(imageGCHighThresholdPercent"*: *\\)[0-9]*/\\1${DEFAULT}/' ${file}`,
          ),
          run("systemctl restart kubelet"),
        ]),
      ];
    },
  };
}

/** From YAML or JSON, where it stands on the first level. */
function numberOf(text: string, key: string): number | null {
  const [, value] = new RegExp(`^[\\s{"]*${key}"?\\s*:\\s*(\\d+)`, "m")
    .exec(text) ?? [];
  return value === undefined ? null : Number(value);
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
