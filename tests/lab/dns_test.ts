/** The bootstrap kind `dns` at a real DNS server. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { DnsSaid } from "./ask_dns.ts";
import { type DnsServer, DOMAIN, startDns, withResolvConf } from "./dns.ts";
import { onLab } from "./evidence.ts";
import { Lab } from "./lab.ts";

const NAME = `peers.peili.svc.${DOMAIN}`;

/** More than a datagram holds: 1,000 addresses of one family and 100 of the other. */
const MANY = [
  ...Array.from({ length: 1_000 }, (_, i) => `10.7.${i >> 8}.${i & 255}`),
  ...Array.from({ length: 100 }, (_, i) => `fd00::${(i + 1).toString(16)}`),
];

/** What a node is told of a name. */
async function asked(
  lab: Lab,
  { resolvConf }: DnsServer,
  name: string,
  ms = 5_000,
): Promise<DnsSaid> {
  const script = fileURLToPath(new URL("./ask_dns.ts", import.meta.url));
  const printed = await lab.node(1).exec(withResolvConf(resolvConf, [
    ...[Deno.execPath(), "run", "--no-prompt", "--cached-only", "--no-check"],
    // What Peili has, too, and no more: no file is read.
    ...["--allow-net", script, name, String(ms)],
  ]));
  return JSON.parse(printed);
}

function multiaddrs(addresses: readonly string[]): string[] {
  return addresses.map((address) =>
    `/${address.includes(":") ? "ip6" : "ip4"}/${address}/tcp/5001`
  ).sort();
}

async function findsAll(lab: Lab, dns: DnsServer): Promise<void> {
  await dns.set({ [NAME]: MANY });
  // Fully qualified, by the search domains of a pod, and half of each.
  for (const name of [`${NAME}.`, "peers", "peers.peili", NAME]) {
    const { found } = await asked(lab, dns, name);
    assert.deepEqual(found?.toSorted(), multiaddrs(MANY), name);
  }
}

async function findsOneFamily(lab: Lab, dns: DnsServer): Promise<void> {
  for (const addresses of [["10.7.0.1"], ["fd00::1"]]) {
    await dns.set({ [NAME]: addresses });
    const { found } = await asked(lab, dns, `${NAME}.`);
    assert.deepEqual(found, multiaddrs(addresses));
  }
}

async function findsNobody(lab: Lab, dns: DnsServer): Promise<void> {
  await dns.set({});
  assert.deepEqual(await asked(lab, dns, `${NAME}.`), { found: [] });
  // The server refuses names that are not its own.
  const refused = await asked(lab, dns, "peers.example.");
  assert.deepEqual(refused, { found: [] });
}

async function waitsNoLonger(lab: Lab, dns: DnsServer): Promise<void> {
  await lab.upstream.cut();
  const said = await asked(lab, dns, `${NAME}.`, 500);
  assert.deepEqual(said, { failed: "TimeoutError" });
}

Deno.test("a DNS server names nodes", async (t) => {
  await using lab = await Lab.up({ nodes: 1 });
  const dns = await startDns(lab.folder, lab.upstream);
  const steps = {
    "1,100 addresses are 1,100 nodes": findsAll,
    "one family is enough": findsOneFamily,
    "no record is nobody": findsNobody,
    "a server that is silent is waited for as long as is said": waitsNoLonger,
  };
  for (const [name, run] of Object.entries(steps)) {
    await onLab(t, lab, [name, (lab) => run(lab, dns)]);
  }
});
