/** The hosts.toml files send containerd to Peili first, and rightly. @module */

import { DEFAULT_FOLDER } from "../../hosts/folders.ts";
import type { HostEntry } from "../../hosts/hosts_toml.ts";
import { type Check, type Finding, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import type { Fix } from "../fix.ts";
import type { HostsFolder } from "../hosts_folders.ts";
import { configureHosts } from "../remedies.ts";

/** Checks Peili's own entries. */
export function mirrorHost(facts: Facts): Check {
  return {
    name: "mirror-host",
    async run() {
      const [folders, mirrors] = [await facts.folders(), await facts.mirrors()];
      const fix = await configureHosts(facts);
      const ours = folders.filter((folder) =>
        mirrors.ownHosts(folder).length > 0
      );
      if (ours.length === 0) {
        const { containerdRegistryConfigPath: path } = facts.options;
        return [problem(`no hosts.toml below ${path} names Peili`, fix)];
      }
      const wrong = ours.flatMap((folder) =>
        wrongIn(folder, mirrors.ownHosts(folder), {
          resolveTags: facts.options.resolveTags,
          fix,
        })
      );
      if (wrong.length > 0) return wrong;
      const names = ours.map(({ name }) =>
        name === DEFAULT_FOLDER ? "every registry" : name
      );
      return [ok(`${mirrors.named.join(", then ")} for ${names.join(", ")}`)];
    },
  };
}

function wrongIn(
  { path, file }: HostsFolder,
  own: readonly HostEntry[],
  { resolveTags, fix }: { resolveTags: boolean; fix: Fix },
): Finding[] {
  const findings: Finding[] = [];
  const first = file?.hosts[0];
  if (first && !own.includes(first)) {
    const saw = `${path}/hosts.toml asks ${first.url} before Peili`;
    findings.push(problem(saw, fix));
  }
  for (const host of own) {
    const at = `${path}/hosts.toml, host ${host.url}`;
    if (host.overridePath) {
      const saw = `${at}: with override_path containerd leaves /v2 out`;
      findings.push(problem(saw, fix));
    }
    const can = host.capabilities;
    if (can && !can.includes("pull")) {
      findings.push(problem(`${at}: its capabilities lack pull`, fix));
    } else if (can && resolveTags && !can.includes("resolve")) {
      const saw = `${at}: its capabilities lack resolve, so tags are not ` +
        "asked for here (--resolve-tags=false says that this is meant)";
      findings.push(warning(saw, fix));
    }
  }
  return findings;
}
