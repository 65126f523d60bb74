/** Runs `peili configure` and `peili restore` for a node of the lab. @module */
import { dirname } from "node:path/posix";
import { runCommand } from "./command.ts";
import type { Node } from "./node.ts";
import { peiliScript } from "./peili_command.ts";

/** Where Peili answers on a node that `configure` has been run on. */
export const NODE_PORT = 30020;

/**
 * Runs one of the two commands on a node's `certs.d`, with access to that and
 * to what else is named.
 *
 * @param access further folders that it may read and write.
 */
export async function changeHosts(
  node: Node,
  command: "configure" | "restore",
  { args = [], access = [] }: { args?: string[]; access?: string[] } = {},
): Promise<string> {
  const { hostsPath } = node.containerd;
  const paths = [hostsPath, ...access].join();
  const config = `${dirname(peiliScript())}/deno.json`;
  return await runCommand([
    ...[Deno.execPath(), "run", "--no-prompt", "--cached-only", "--no-lock"],
    ...[`--config=${config}`, "--allow-env=PEILI_*"],
    ...[`--allow-read=${paths}`, `--allow-write=${paths}`, peiliScript()],
    ...[command, "--containerd-registry-config-path", hostsPath],
    ...(command === "configure"
      ? ["--mirror-targets", `http://${node.ip}:${NODE_PORT}`]
      : []),
    ...args,
  ]);
}
