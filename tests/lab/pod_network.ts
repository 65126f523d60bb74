/**
 * A network of pods as a plain CNI makes it: a bridge on each node, host ports by
 * its plugin, and a route to every other node's pods. Nobody's address is
 * translated on the way between pods.
 *
 * @module
 */
import { join } from "node:path/posix";
import { call } from "./cri.ts";
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** containerd looks at the folder itself, at once. */
const READY_MS = 20_000;

/** The addresses of a node's pods. */
function podsOf({ number }: Node): string {
  return `10.244.${number}.0/24`;
}

function cniConfig(node: Node): unknown {
  const ranges = [[{ subnet: podsOf(node) }]];
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        hairpinMode: true,
        ipam: { type: "host-local", ranges, routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

/** Whether containerd says that pods can have a network. */
async function isReady({ containerd: { socket } }: Node): Promise<boolean> {
  const { status } = await call(
    socket,
    ["RuntimeService", "Status"],
    {},
    READY_MS,
  );
  return status.conditions.some((
    condition: { type: string; status: boolean },
  ) => condition.type === "NetworkReady" && condition.status);
}

/** Gives pods of all nodes a network. */
export async function startPodNetwork(lab: Lab): Promise<void> {
  for (const node of lab.nodes) {
    const path = join(node.path, "cni/pods.conflist");
    await Deno.writeTextFile(path, JSON.stringify(cniConfig(node)));
    for (const other of [lab.upstream, ...lab.nodes]) {
      if (other === node) continue;
      await other.exec(["ip", "route", "add", podsOf(node), "via", node.ip]);
    }
  }
  for (const node of lab.nodes) {
    await waitFor(`${node.name}'s network of pods`, () => isReady(node), {
      budgetMs: READY_MS,
      log: node.containerd.log,
    });
  }
}
