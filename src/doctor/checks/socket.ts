/** containerd's socket answers, and containerd is one that Peili knows. @module */

import { isAtLeast } from "../../hosts/cri_settings.ts";
import { flavourOptions, FLAVOURS } from "../../hosts/flavours.ts";
import { type Check, type Finding, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, run, tell } from "../fix.ts";

/** The oldest containerd that Peili is tested with. */
const OLDEST = "1.6";

/** Checks the socket. */
export function socket(facts: Facts): Check {
  const path = facts.options.containerdSock;
  return {
    name: "socket",
    async run() {
      const missing = await missingSocket(facts);
      if (missing) return [missing];
      try {
        const version = await facts.version();
        if (isAtLeast(version, OLDEST)) {
          const { name = null } = await facts.flavour() ?? {};
          const node = name ? ` on a node of ${name}` : "";
          return [ok(`containerd ${version}${node} answers at ${path}`)];
        }
        const saw = `containerd ${version} is older than ${OLDEST}`;
        return [problem(saw, [tell(`upgrade it to ${OLDEST} or later`)])];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return [
          problem(`containerd does not answer at ${path}: ${why}`, [
            run("systemctl restart containerd"),
          ]),
        ];
      }
    },
  };
}

/** Where the socket is not there: perhaps another flavour's is. */
async function missingSocket(facts: Facts): Promise<Finding | null> {
  const path = facts.options.containerdSock;
  if (await isThere(path)) return null;
  const saw = `there is no ${path}`;
  const known = await facts.flavour();
  for (const flavour of known ? [known, ...FLAVOURS] : FLAVOURS) {
    if (flavour.socket !== path && await isThere(flavour.socket)) {
      const { name, socket } = flavour;
      return problem(
        `${saw}, but there is ${socket}, as ${name} has it`,
        flavourOptions(flavour).map((text) => {
          const [flag = "", value = ""] = text.split(" ");
          return option(flag, value);
        }),
      );
    }
  }
  return problem(saw, [run("systemctl start containerd")]);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
