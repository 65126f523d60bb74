/** Nodes that find each other, and what they have, over libp2p. @module */
import assert from "node:assert/strict";
import { foundBy, foundByRouters } from "./discovery.ts";
import { DOMAIN, startDns } from "./dns.ts";
import { onLab, startPeilis } from "./evidence.ts";
import {
  assertOutcome,
  FLIGHT_FLAGS,
  fresh,
  ONE_COPY,
  pulledBy,
} from "./flying.ts";
import { Lab } from "./lab.ts";
import type { PeiliFlags } from "./peili_command.ts";

const NODES = 5;

/** What one row of the test changes: who is asked first. */
interface Bootstrapped {
  flags: PeiliFlags;
  resolvConf?: string;
}

/** They are told of the first node only. */
function byOneRouter(lab: Lab): Bootstrapped {
  return { flags: foundByRouters([lab.node(1)]) };
}

/** A name has the addresses of all, as that of a headless Service. */
async function byDns(lab: Lab): Promise<Bootstrapped> {
  const { set, resolvConf } = await startDns(lab.folder, lab.upstream);
  await set({ [`peers.peili.svc.${DOMAIN}`]: lab.nodes.map(({ ip }) => ip) });
  // The search domains of a pod make a whole name of it.
  return { flags: foundBy("dns", { dnsBootstrapDomain: "peers" }), resolvConf };
}

/** All ask the first node, which asks itself, too. */
function byHttp(lab: Lab): Bootstrapped {
  const flags = {
    httpBootstrapAddr: "0.0.0.0:5003",
    httpBootstrapPeer: `http://${lab.node(1).ip}:5003`,
  };
  return { flags: foundBy("http", flags) };
}

async function fliesTogether(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  await assertOutcome(await pulledBy(lab, lab.nodes, image), {
    what: "a cold start over libp2p",
    nodes: lab.nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** One has it and told of it: all others take it from him, and none upstream. */
async function findsHolders(lab: Lab): Promise<void> {
  const image = await fresh(lab, "small");
  const [first, ...others] = lab.nodes;
  assert.ok(first);
  await pulledBy(lab, [first], image);
  const outcome = await pulledBy(lab, others, image);
  await assertOutcome(outcome, {
    what: "a seeded pull over libp2p",
    nodes: others,
    images: [image.info],
    atMost: ONE_COPY,
  });
  assert.ok(outcome.copies < 0.1, `${outcome.copies} copies`);
}

const BOOTSTRAPS = [
  { name: "one router that all are told of", bootstrapped: byOneRouter },
  { name: "a DNS server that names all", bootstrapped: byDns },
  { name: "one node that all ask over HTTP", bootstrapped: byHttp },
];

Deno.test.each(BOOTSTRAPS)(
  "nodes find each other over libp2p by $name",
  async ({ bootstrapped }, t) => {
    await using lab = await Lab.up({ nodes: NODES });
    const { flags, ...options } = await bootstrapped(lab);
    await startPeilis(lab, { ...FLIGHT_FLAGS, ...flags }, options);
    const steps: Record<string, (lab: Lab) => Promise<void>> = {
      "a cold start is one download": fliesTogether,
      "what one has the others take": findsHolders,
    };
    for (const entry of Object.entries(steps)) await onLab(t, lab, entry);
  },
);
