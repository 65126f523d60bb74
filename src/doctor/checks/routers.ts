/** Other nodes' routers are reached, and are of this network. @module */

import type { RouterAnswer } from "../../routing/libp2p/ask_routers.ts";
import { splitId } from "../../routing/bootstrap/multiaddr.ts";
import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, run, tell } from "../fix.ts";
import { hostOf } from "../neighbours.ts";
import { letThrough, sameSecret } from "../remedies.ts";

/** The name of this check. */
export const ROUTERS = "routers";

/** Checks some of the routers that bootstrap names. */
export function routers(facts: Facts): Check {
  return {
    name: ROUTERS,
    async run() {
      if (facts.kind() === "static-peers") {
        return [ok("none is needed: all nodes are listed")];
      }
      const others = await facts.others().catch((error) => {
        if (error instanceof Deno.errors.NotCapable) throw error;
        return []; // Another check says why.
      });
      if (others.length === 0) return [skipped("no routers are named")];
      const answers = await facts.askRouters(others);
      const away = others.flatMap((address, i) => {
        const answer = answers[i] ?? "nobody";
        return answer === "member" ? [] : [{ address, answer }];
      });
      const all = `${others.length - away.length} of ${others.length} answer`;
      if (away.length === 0) return [ok(all)];
      const saw = away.map(({ address, answer }) =>
        `${SAW[answer]} ${splitId(address)[0]}`
      ).join(", ");
      const fix = fixOf(facts, away);
      return away.length === others.length
        ? [problem(saw, fix)]
        : [warning(`${saw}; ${all}`, fix)];
    },
  };
}

type Away = Exclude<RouterAnswer, "member">;

/** What is said of who is there. */
const SAW: Readonly<Record<Away, string>> = {
  stranger:
    "whoever answers has another secret, another network or is no Peili at",
  nobody: "nobody listens at",
  silent: "what is sent is dropped on the way to",
};

function fixOf(
  facts: Facts,
  away: readonly { readonly address: string; readonly answer: Away }[],
): Fix {
  const [first] = away;
  if (!first) return [];
  const [where] = splitId(first.address);
  const host = hostOf(where);
  const port = Number(where.split("/").at(-1));
  if (away.some(({ answer }) => answer === "stranger")) {
    return [
      ...sameSecret(facts),
      tell("of several secrets in the file, routers take the first line only"),
    ];
  }
  if (away.some(({ answer }) => answer === "silent")) {
    return letThrough(host, port);
  }
  return [
    run(`nc -vz -w 3 ${host} ${port}`),
    tell(`start Peili there, with --router-addr=:${port}`),
  ];
}
