/** The other nodes are there, and are Peilis. @module */

import { formatAddress } from "../../listen.ts";
import { PEER_PATH } from "../../routing/peer_paths.ts";
import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, option, run, tell } from "../fix.ts";
import { reachable } from "../mirrors.ts";
import type { Who } from "../peers.ts";
import { letThrough, sameSecret, SET_CLOCK } from "../remedies.ts";

/** The name of this check. */
export const PEERS = "peers";

/** Checks every peer that is named. */
export function peers(facts: Facts): Check {
  const { peerAddr } = facts.options;
  return {
    name: PEERS,
    async run() {
      const addresses = await facts.peers();
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
      const saw = away.map(({ address, who }) => `${sawOf(who)} ${address}`)
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
  const strangers = away.flatMap(({ who }) =>
    who.kind === "stranger" ? [who.another] : []
  );
  if (strangers.length > 0) {
    return strangers.every((another) => another === "time")
      ? SET_CLOCK
      : sameSecret(facts);
  }
  const look = away.map(({ address }) =>
    run(`curl -sS http://${address}${PEER_PATH}`)
  );
  const moved = staticPeers.map((address) =>
    address.replace(/:\d+$/, `:${peerAddr.port}`)
  ).join();
  if (
    away.length === count && staticPeers.length > 0 &&
    moved !== staticPeers.join()
  ) {
    return [option("--static-peers", moved)];
  }
  const silent = away.find(({ who }) => who.kind === "silent");
  if (silent) {
    const { host, port } = new URL(`http://${silent.address}`);
    return letThrough(host.replace(/:\d+$/, ""), Number(port || 80));
  }
  return [
    ...look,
    tell(
      staticPeers.length > 0
        ? "start Peili there, or leave it out of every --static-peers"
        : "start Peili there, or take its address out of what names it",
    ),
  ];
}

/** What is said of who is there. */
function sawOf(who: Who): string {
  switch (who.kind) {
    case "peer":
      return "Peili answers at";
    case "stranger":
      return `a Peili with ${STRANGERS[who.another]} answers at`;
    case "other":
      return "another program answers at";
    case "nobody":
      return "nobody answers at";
    case "silent":
      return "what is sent is dropped on the way to";
  }
}

const STRANGERS = {
  secret: "another secret",
  network: "another network",
  time: "another time of day",
  unknown: "another secret, another network or another time of day",
} as const;
