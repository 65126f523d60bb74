/**
 * A registry's own CA, client certificate or unchecked TLS stand at Peili's
 * entry, too: whoever pulls for all is redirected there, and containerd keeps
 * the settings of the entry that redirected it.
 *
 * @module
 */

import type { HostSettings } from "../../hosts/hosts_toml.ts";
import { type Check, ok, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import type { HostsFolder } from "../hosts_folders.ts";
import { configureHosts } from "../remedies.ts";

const SETTINGS = [
  ["ca", "ca"],
  ["client", "client"],
  ["skipVerify", "skip_verify"],
] as const;

/** Checks TLS settings. */
export function registryAccess(facts: Facts): Check {
  return {
    name: "registry-access",
    async run() {
      const { ownHosts } = await facts.mirrors();
      const lacking = (await facts.folders()).flatMap((folder) => {
        const [ours] = ownHosts(folder);
        if (!ours) return [];
        const theirs = accessOf(folder);
        const keys = SETTINGS.filter(([name]) => theirs[name] && !ours[name])
          .map(([, key]) => key);
        return keys.length > 0 ? [{ path: folder.path, keys }] : [];
      });
      if (lacking.length === 0) {
        return [ok("what registries need stands at Peili's entries, too")];
      }
      const fix = await configureHosts(facts);
      return lacking.map(({ path, keys }) =>
        warning(
          `${path}/hosts.toml: Peili's entry lacks the registry's ${
            keys.join(", ")
          }: a redirect there fails, and the pull begins anew`,
          fix,
        )
      );
    },
  };
}

/** The settings of the server, or of its entry by its own name. */
function accessOf({ name, file }: HostsFolder): HostSettings {
  const own = file?.hosts.find(({ url }) => URL.parse(url)?.host === name);
  return { ...own, ...file };
}
