/**
 * Whatever keeps nodes from finding each other over libp2p, doctor names it, and
 * what it says to do makes pulls go through Peili.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import type { CheckResult } from "../../src/doctor/check.ts";
import { foundByRouters } from "./discovery.ts";
import { awaitPeers, SETTLE_MS } from "./evidence.ts";
import { Lab } from "./lab.ts";
import { Patient } from "./patient.ts";
import { goesThrough } from "./through.ts";
import { waitFor } from "./wait.ts";

/** The port of every node's router. */
const ROUTER_PORT = 5001;

/** Nodes that are told of the first one's router. */
async function foundPatients(lab: Lab): Promise<Patient[]> {
  const flags = foundByRouters([lab.node(1)]);
  return await Promise.all(lab.nodes.map(async (node) => {
    const patient = new Patient(lab, node, flags);
    await patient.begin();
    return patient;
  }));
}

async function sawOf(patient: Patient, check: string): Promise<CheckResult> {
  const { checks } = await patient.doctor();
  const named = checks.find((one) => one.check === check);
  assert.ok(named, JSON.stringify(checks));
  return named;
}

/** Waits until doctor finds all well. */
async function awaitWell(lab: Lab, patient: Patient): Promise<void> {
  let left: readonly CheckResult[] = [];
  await waitFor(`${patient.node.name} to be well`, async () => {
    await awaitPeers(lab);
    const { checks } = await patient.doctor();
    left = checks.filter(({ verdict }) => verdict !== "ok");
    return left.length === 0;
  }, { budgetMs: SETTLE_MS }).catch((cause) => {
    throw new Error(JSON.stringify(left, null, 1), { cause });
  });
}

/** What is wrong, and how a person does what doctor says. */
interface Wrong {
  name: string;
  befall(patient: Patient): Promise<void>;
  saw: RegExp;
  fix: RegExp;
  mend(patient: Patient): Promise<void>;
}

const WRONGS: readonly Wrong[] = [
  {
    name: "a firewall drops what goes to routers",
    async befall(patient) {
      await patient.node.dropPort(ROUTER_PORT);
      // What is connected stays so until it breaks.
      await patient.restartPeili({});
    },
    saw: /^what is sent is dropped on the way to \/ip4\/[\d.]+\/tcp\/5001$/,
    fix: /let TCP port 5001 through between all nodes/,
    mend: ({ node }) => node.heal(),
  },
  {
    name: "its secret is another one",
    async befall(patient) {
      const path = join(patient.node.path, "peili/other");
      await Deno.writeTextFile(path, "known to nobody else\n");
      await patient.restartPeili({ "secret-file": path });
    },
    saw: /^whoever answers has another secret, /,
    fix: /with one content/,
    mend: (patient) => patient.cure(),
  },
];

Deno.test("peili doctor over libp2p", async (t) => {
  await using lab = await Lab.up({ nodes: 2 });
  const patients = await foundPatients(lab);
  const [, patient] = patients;
  assert.ok(patient);
  const holder = lab.node(1);
  const { node } = patient;
  await t.step("finds nothing wrong", async () => {
    await awaitWell(lab, patient);
    const well = { holder, node, name: "well", found: true };
    assert.ok(await goesThrough(lab, well));
  });
  for (const [i, { name, befall, saw, fix, mend }] of WRONGS.entries()) {
    await t.step(`mends it when ${name}`, async () => {
      await befall(patient);
      const before = { holder, node, name: `before-${i}` };
      assert.ok(!await goesThrough(lab, before), "nobody feels it");
      const { verdict, findings } = await sawOf(patient, "routers");
      assert.equal(verdict, "problem");
      assert.match(findings[0]?.saw ?? "", saw);
      assert.match(JSON.stringify(findings[0]?.fix), fix);
      await mend(patient);
      await awaitWell(lab, patient);
      const after = { holder, node, name: `after-${i}`, found: true };
      assert.ok(await goesThrough(lab, after), "the advice is wrong");
    });
  }
});
