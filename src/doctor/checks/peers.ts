/** The other nodes are there, and are Peilis. @module */

import { PEER_PATH } from "../../routing/peer_paths.ts";
import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, type FixStep, option, quote, run, tell } from "../fix.ts";
import type { Who } from "../peers.ts";

/** The name of this check. */
export const PEERS = "peers";

/** Checks every peer that is named. */
export function peers(facts: Facts): Check {
  const { staticPeers: addresses, peerAddr } = facts.options;
  return {
    name: PEERS,
    async run() {
      if (addresses.length === 0) return [skipped("no peers are named")];
      const answers = await Promise.all(addresses.map(async (address) => ({
        address,
        ...await facts.who(address),
      })));
      const away = answers.filter(({ kind }) => kind !== "peer");
      if (away.length === 0) return [ok(`all ${answers.length} answer`)];
      const saw = away.map(({ address, kind }) => `${SAW[kind]} ${address}`)
        .join(", ");
      const there = answers.filter((one) => !away.includes(one))
        .map(({ address }) => address);
      if (there.length === 0) {
        const strangers = away.some(({ kind }) => kind === "stranger");
        const fix = strangers
          ? sameSecret(facts)
          : whenAllAreAway(addresses, peerAddr.port);
        return [problem(saw, fix)];
      }
      return [
        warning(`${saw}; ${there.length} of ${answers.length} answer`, [
          ...away.map(({ address }) => ask(address)),
          tell("start Peili there, or leave it out of every --static-peers"),
        ]),
      ];
    },
  };
}

/** What is said of who is there. */
const SAW: Readonly<Record<Who["kind"], string>> = {
  peer: "Peili answers at",
  stranger:
    "a Peili with another secret, another network or another time of day answers at",
  other: "another program answers at",
  nobody: "nobody answers at",
};

/** Lets a person compare what all nodes must have alike. */
function sameSecret({ options: { network, secretFile } }: Facts): Fix {
  const file = secretFile || "the file of --secret-file";
  return [
    tell(`on every node: --network=${network}, and ${file} with one content`),
    ...(secretFile === "" ? [] : [run(`sha256sum ${quote(secretFile)}`)]),
    run("date -u"),
  ];
}

/** All are wrong in one way: the port, or a firewall between. */
function whenAllAreAway(addresses: readonly string[], port: number): Fix {
  const moved = addresses.map((address) =>
    address.replace(/:\d+$/, `:${port}`)
  );
  return moved.join() === addresses.join()
    ? addresses.map(ask)
    : [option("--static-peers", moved.join())];
}

/** Lets a person see what this node sees. */
function ask(address: string): FixStep {
  return run(`curl -sS http://${address}${PEER_PATH}`);
}
