/** No folder of a registry hides `_default` from containerd. @module */

import { DEFAULT_FOLDER } from "../../hosts/folders.ts";
import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { configureHosts } from "../remedies.ts";

/** Checks folders beside `_default`. */
export function shadowed(facts: Facts): Check {
  return {
    name: "shadowed",
    async run() {
      const [folders, { ownHosts }] = [
        await facts.folders(),
        await facts.mirrors(),
      ];
      const isOurs = (name: string) =>
        folders.some((one) => one.name === name && ownHosts(one).length > 0);
      if (!isOurs(DEFAULT_FOLDER)) {
        return [ok("Peili is not in _default, so nothing can hide it")];
      }
      // What cannot be read at all has a check of its own.
      const hiding = folders.filter(({ name, broken }) =>
        broken === null && name !== DEFAULT_FOLDER && !isOurs(name)
      );
      if (hiding.length === 0) {
        return [ok("no folder of a registry hides _default")];
      }
      const fix = await configureHosts(facts);
      return hiding.map(({ path }) =>
        problem(`${path} hides _default, and does not name Peili`, fix)
      );
    },
  };
}
