/** Peili's ports are free, or Peili's. @module */

import { deadline } from "../../async/deadline.ts";
import { formatAddress, type ListenAddress } from "../../listen.ts";
import { formatMultiaddr } from "../../routing/bootstrap/multiaddr.ts";
import type { RouterAnswer } from "../../routing/libp2p/ask_routers.ts";
import { type Check, type Finding, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, run } from "../fix.ts";
import { type Answer, answersAsPeili, reachable } from "../mirrors.ts";

/** Checks the listeners. */
export function ports(facts: Facts): Check {
  const { mirrorAddr, peerAddr, metricsAddr, routerAddr } = facts.options;
  const { fetcher } = facts;
  const livez: Ask = (base, signal) => answersAsPeili(base, fetcher, signal);
  const peer: Ask = async (base) => {
    const who = await facts.who(base.replace("http://", ""));
    // One who refuses this doctor is a Peili all the same.
    if (who.kind === "silent") return "late";
    return who.kind === "peer" || who.kind === "stranger" ? "peili" : who.kind;
  };
  const router: Ask = async () => {
    const { hostname, port } = reachable(routerAddr);
    const [who] = await facts.askRouters([formatMultiaddr({ hostname, port })]);
    return ROUTER_ANSWERS[who ?? "nobody"];
  };
  return {
    name: "ports",
    async run(signal) {
      const findings = await Promise.all([
        look(["--mirror-addr", mirrorAddr], livez, signal),
        look(["--peer-addr", peerAddr], peer, signal),
        look(["--metrics-addr", metricsAddr], livez, signal),
        ...(facts.kind() === null || facts.kind() === "static-peers"
          ? [] // Neither has a router.
          : [look(["--router-addr", routerAddr], router, signal)]),
      ]);
      const bad = findings.filter(({ verdict }) => verdict !== "ok");
      if (bad.length > 0) return bad;
      return [ok(findings.map(({ saw }) => saw).join(", "))];
    },
  };
}

const ROUTER_ANSWERS: Readonly<Record<RouterAnswer, Answer>> = {
  member: "peili",
  stranger: "other",
  nobody: "nobody",
  silent: "late",
};

type Ask = (base: string, signal: AbortSignal) => Promise<Answer>;

async function look(
  [flag, address]: readonly [flag: string, address: ListenAddress],
  ask: Ask,
  signal: AbortSignal,
): Promise<Finding> {
  const { hostname, port } = address;
  if (port === 0) return ok(`${flag}: any free port`);
  const place = reachable(address);
  const answer = await ask(`http://${formatAddress(place)}`, signal);
  if (answer === "peili") return ok(`${port} is Peili's`);
  if (answer === "nobody" && !await accepts(place, signal)) {
    return ok(`${port} is free`);
  }
  if (answer === "late") {
    // It may be Peili on a node that is busy: no reason to move away.
    return warning(`whoever listens on ${port} (${flag}) does not answer`, [
      run(`ss -ltnp 'sport = :${port}'`),
    ]);
  }
  const other = port + 10_000 <= 65_535 ? port + 10_000 : port - 10_000;
  return problem(`another program listens on ${port} (${flag})`, [
    run(`ss -ltnp 'sport = :${port}'`),
    option(flag, formatAddress({ hostname, port: other })),
  ]);
}

/** Milliseconds for a connection on this machine. */
const CONNECT_MS = 500;

/** Something may listen that speaks no HTTP. */
async function accepts(
  address: ListenAddress,
  signal: AbortSignal,
): Promise<boolean> {
  using limit = deadline(signal, CONNECT_MS);
  try {
    (await Deno.connect({ ...address, signal: limit.signal })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}
