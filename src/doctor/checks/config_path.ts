/** containerd reads the folder that Peili's hosts.toml files are in. @module */

import { type Check, type Finding, ok, problem, skipped } from "../check.ts";
import type { Facts } from "../facts.ts";
import { configureContainerd } from "../remedies.ts";
import type { Pulls } from "../pulls.ts";

/** Checks `config_path`. */
export function configPath(facts: Facts): Check {
  const ours = facts.options.containerdRegistryConfigPath;
  return {
    name: "config-path",
    async run() {
      const pulls = await facts.pulls();
      if (pulls.from === "nowhere") return [unknown(pulls, facts)];
      const folders = pulls.configFolders;
      if (folders.includes(ours)) {
        return [ok(`containerd reads hosts.toml files below ${ours}`)];
      }
      return [problem(wrong(pulls, ours), await configureContainerd(facts))];
    },
  };
}

function unknown(pulls: Pulls, facts: Facts): Finding {
  return skipped(
    `containerd does not tell its config_path, and ${
      pulls.unreadable ?? `${facts.options.containerdConfig} cannot be read`
    } (--containerd-config names the file)`,
  );
}

function wrong({ configPath, by }: Pulls, ours: string): string {
  if (configPath === "") {
    return "config_path is not set, so containerd reads no hosts.toml";
  }
  const list = configPath.split(":");
  if (by === "transfer" && list.length > 1) {
    return `config_path is the list ${configPath}, which containerd's transfer ` +
      "service takes for the name of one folder: no hosts.toml is read";
  }
  return `containerd reads hosts.toml files below ${configPath}, not ${ours}`;
}
