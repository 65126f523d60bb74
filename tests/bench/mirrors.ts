/** What is compared: no mirror, Peili by its routers, and foreign mirrors. @module */
import { foundByRouters } from "../lab/discovery.ts";
import type { Lab } from "../lab/lab.ts";
import type { Node } from "../lab/node.ts";
import type { Plan, RouterName } from "./plan.ts";

/** One mirror of a benchmark. */
export interface Mirror {
  /** The name of its row. */
  name: string;
  /** Starts it on a node, and does not wait for it. */
  launch(lab: Lab, node: Node): Promise<void>;
}

/** Nodes that have none. */
export const NO_MIRROR: Mirror = {
  name: "none",
  launch: () => Promise.resolve(),
};

/** The mirrors that a plan names, in its order. */
export function mirrorsOf({ mirrors, routers, peiliFlags }: Plan): Mirror[] {
  return mirrors.flatMap((mirror) => {
    if (mirror === "none") return [NO_MIRROR];
    if (mirror !== "peili") return [foreign(mirror)];
    return routers.map((router): Mirror => ({
      name: `peili ${router}`,
      launch: (lab, node) =>
        node.launchPeili({ ...routerFlags(lab, router), ...peiliFlags }),
    }));
  });
}

/** All are told of all, as by the name of a headless Service. */
function routerFlags({ nodes }: Lab, router: RouterName) {
  return router === "libp2p" ? foundByRouters(nodes) : {};
}

function foreign(command: string): Mirror {
  return {
    name: programOf(command),
    launch: (_lab, node) => node.launchMirror(command),
  };
}

/** The program that a shell command starts, without its folder. */
function programOf(command: string): string {
  const [program = ""] = command.trim().split(/\s/);
  return program.split("/").at(-1) || command;
}
