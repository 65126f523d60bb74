/** Whom containerd asks when Peili has it not is the real registry. @module */

import { DEFAULT_FOLDER, registryOf } from "../../hosts/folders.ts";
import { type Check, type Finding, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, quote, run } from "../fix.ts";
import type { HostsFolder } from "../hosts_folders.ts";

/** Checks `server`. */
export function server(facts: Facts): Check {
  return {
    name: "server",
    async run() {
      const [folders, { isOwn }] = [
        await facts.folders(),
        await facts.mirrors(),
      ];
      const wrong = folders.flatMap((folder) => wrongIn(folder, isOwn));
      if (wrong.length > 0) return wrong;
      return [ok("without Peili, containerd asks the registries themselves")];
    },
  };
}

function wrongIn(
  { name, path, file }: HostsFolder,
  isOwn: (url: string) => boolean,
): Finding[] {
  const server = file?.server;
  if (!server) return [];
  const at = `${path}/hosts.toml: server = ${server}`;
  if (isOwn(server)) {
    return [problem(`${at} is Peili: nobody is left to ask`, without(path))];
  }
  if (name === DEFAULT_FOLDER) {
    const saw = `${at} stands for every registry: other images are not there`;
    return [problem(saw, without(path))];
  }
  if (belongsTo(server, name)) return [];
  return [warning(`${at} is another registry than ${name}`, without(path))];
}

/** Without the line, containerd asks the registry that the image names. */
function without(path: string): Fix {
  return [run(`sed -i '/^server *=/d' ${quote(`${path}/hosts.toml`)}`)];
}

/** `registry-1.docker.io` is where docker.io's images are. */
function belongsTo(server: string, folder: string): boolean {
  const registry = registryOf(folder);
  const url = URL.parse(server.includes("://") ? server : `https://${server}`);
  const own = URL.parse(`${url?.protocol}//${registry}`);
  return url?.host === own?.host ||
    registry === "docker.io" && url?.host === "registry-1.docker.io";
}
