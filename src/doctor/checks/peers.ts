/** The other nodes are there, and are Peilis. @module */

import { formatAddress } from "../../listen.ts";
import { PEER_PATH } from "../../routing/peer_paths.ts";
import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, option, quote, run, tell } from "../fix.ts";
import { reachable } from "../mirrors.ts";
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
      const own = await facts.who(formatAddress(reachable(peerAddr)));
      const answers = await Promise.all(addresses.map(async (address) => ({
        address,
        who: await facts.who(address),
      })));
      // The list has this node, too, which is no proof that others are there.
      const others = answers.filter(({ who }) => !isSame(who, own));
      const away = others.filter(({ who }) => who.kind !== "peer");
      const count = `${others.length - away.length} of ${others.length}`;
      const all = `${count} other nodes answer`;
      if (away.length === 0) return [ok(all)];
      const fix = fixOf(facts, away, others.length);
      const saw = away.map(({ address, who }) => `${SAW[who.kind]} ${address}`)
        .join(", ");
      return away.length === others.length
        ? [problem(saw, fix)]
        : [warning(`${saw}; ${all}`, fix)];
    },
  };
}

interface Answer {
  readonly address: string;
  readonly who: Who;
}

function isSame(one: Who, other: Who): boolean {
  return one.kind === "peer" && other.kind === "peer" && one.id === other.id;
}

/** Some are down; all are wrong in one way: the secret, the port, a firewall. */
function fixOf(facts: Facts, away: readonly Answer[], count: number): Fix {
  const { staticPeers, peerAddr } = facts.options;
  if (away.some(({ who }) => who.kind === "stranger")) return sameSecret(facts);
  const look = away.map(({ address }) =>
    run(`curl -sS http://${address}${PEER_PATH}`)
  );
  const moved = staticPeers.map((address) =>
    address.replace(/:\d+$/, `:${peerAddr.port}`)
  ).join();
  if (away.length === count && moved !== staticPeers.join()) {
    return [option("--static-peers", moved)];
  }
  return [
    ...look,
    tell("start Peili there, or leave it out of every --static-peers"),
  ];
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
