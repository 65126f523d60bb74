/**
 * Whatever is wrong on a node, doctor names it, and what it says to do, done to
 * the letter, makes pulls go through Peili.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { writeArchive } from "./archive.ts";
import { awaitLine, awaitPeers } from "./evidence.ts";
import { print, versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { Patient } from "./patient.ts";

/** A pull that does not go through Peili fails at once: nobody else has it. */
const PULL_MS = 20_000;

/** Pulls an image that only `holder` has; tells whether Peili was asked. */
async function goesThrough(
  lab: Lab,
  { holder, node, name }: { holder: Node; node: Node; name: string },
): Promise<boolean> {
  const image = await lab.imageInfo("pause", name);
  const full = `${lab.upstream.registry}/${image.repository}:v1`;
  const path = join(holder.path, `${name}.tar`);
  await writeArchive(path, image, full);
  await holder.importArchive(path);
  const pulled = await node.pull(full, { budgetMs: PULL_MS })
    .then(() => true, () => false);
  const [layer] = image.layers;
  if (!pulled || !layer) return false;
  const asked = await awaitLine(
    node,
    layer.digest,
    ({ listener, method, status }) =>
      listener === "mirror" && method === "GET" && status === 200,
  );
  assert.equal(asked.source, holder.peerAddress);
  return true;
}

/** Something that is wrong. */
interface Wrong {
  name: string;
  /** The check that says so. */
  check: string;
  /** Where it is wrong; everywhere unless told. */
  applies?: (version: string) => boolean;
  befall: (patient: Patient) => Promise<void>;
  /** The node cannot give, rather than take. */
  gives?: boolean;
}

const CONFIG_PATH = /^ *config_path = .*\n/gm;

async function configured(
  { node: { containerd } }: Patient,
  edit: (text: string) => string,
): Promise<void> {
  await containerd.editConfig(edit);
  await containerd.restart();
}

/** Writes one file of certs.d in place of all that is there. */
async function onlyHosts(
  { node }: Patient,
  toml: string,
  folder = "_default",
): Promise<void> {
  await Deno.remove(node.containerd.hostsPath, { recursive: true });
  await node.writeHosts(toml, folder);
}

const WRONGS: readonly Wrong[] = [
  {
    name: "containerd has no config_path",
    check: "config-path",
    befall: (patient) =>
      configured(patient, (text) => text.replaceAll(CONFIG_PATH, "")),
  },
  {
    name: "config_path is a list",
    check: "config-path",
    applies: (version) => version.startsWith("2."),
    befall: (patient) =>
      configured(
        patient,
        (text) =>
          text.replaceAll(/(config_path = ".*)"/g, '$1:/etc/docker/certs.d"'),
      ),
  },
  {
    name: "config_path is another folder",
    check: "config-path",
    befall: (patient) =>
      configured(
        patient,
        (text) => text.replaceAll(/(config_path = ".*)"/g, '$1/elsewhere"'),
      ),
  },
  {
    name: "containerd was not started again after its file was mended",
    check: "restart",
    befall: async (patient) => {
      const { containerd } = patient.node;
      const right = await Deno.readTextFile(containerd.config);
      await configured(patient, (text) => text.replaceAll(CONFIG_PATH, ""));
      await containerd.editConfig(() => right);
    },
  },
  {
    name: "nobody has configured anything",
    check: "mirror-host",
    befall: async ({ node: { containerd: { hostsPath } } }) => {
      await Deno.remove(hostsPath, { recursive: true });
    },
  },
  {
    name: "a registry's own folder hides _default",
    check: "shadowed",
    befall: async ({ node }) => {
      await node.writeHosts('[host."http://127.0.0.1:9"]\n');
    },
  },
  {
    name: "a registry's hosts.toml is no TOML",
    check: "hosts-toml",
    befall: async ({ node }) => {
      await node.writeHosts('[host."http://127.0.0.1:9"\n');
    },
  },
  {
    name: "hosts.toml names an address of another node",
    check: "node-ip",
    befall: async (patient) => {
      const { ip, containerd } = patient.node;
      const other = ip.replace(/\d+$/, "99");
      await Deno.remove(containerd.hostsPath, { recursive: true });
      await patient.sh(patient.configure(`http://${other}:30020`));
    },
  },
  {
    name: "hosts.toml names another port",
    check: "mirror-answers",
    befall: async (patient) => {
      const { ip, containerd } = patient.node;
      await Deno.remove(containerd.hostsPath, { recursive: true });
      await patient.sh(patient.configure(`http://${ip}:30999`));
    },
  },
  {
    name: "Peili's entry has override_path",
    check: "mirror-host",
    befall: (patient) =>
      onlyHosts(
        patient,
        `[host."${patient.target}"]\n  override_path = true\n`,
      ),
  },
  {
    name: "Peili's entry may not be asked",
    check: "mirror-host",
    befall: (patient) =>
      onlyHosts(
        patient,
        `[host."${patient.target}"]\n  capabilities = ["push"]\n`,
      ),
  },
  {
    name: "Peili does not find its peers",
    check: "peers",
    befall: async (patient) => {
      const { ip } = patient.node;
      const all = [1, 2, 3, 4, 5].map((i) => ip.replace(/\d+$/, `1${i}:5999`));
      await patient.restartPeili({ "static-peers": all.join() });
    },
  },
  {
    name: "Peili looks for content in the wrong folder",
    check: "content-path",
    gives: true,
    befall: (patient) =>
      patient.restartPeili({ "containerd-content-path": patient.node.path }),
  },
  {
    name: "Peili shares the wrong namespace",
    check: "namespace",
    gives: true,
    befall: (patient) =>
      patient.restartPeili({ "containerd-namespace": "default" }),
  },
];

/** Breaks a node, looks whether that is felt, and does what doctor says. */
async function suffers(
  lab: Lab,
  patient: Patient,
  { name, check, befall, gives = false }: Wrong,
): Promise<void> {
  const { node } = patient;
  const sick = `${node.name} (containerd ${node.containerd.version}), ${name}`;
  const [holder = node] = lab.nodes;
  const seed = `${node.name}-${name.replaceAll(/[^a-z]+/gi, "-")}`
    .toLowerCase();
  const pull = (when: string) =>
    goesThrough(lab, {
      holder: gives ? node : holder,
      node: gives ? holder : node,
      name: `${seed}-${when}`,
    });
  await befall(patient);
  assert.ok(!await pull("before"), `${sick}: nobody feels it`);
  const report = await patient.doctor();
  assert.notEqual(report.exitCode, 0, sick);
  const named = report.checks.find((one) => one.check === check);
  const finding = named?.findings.find(({ fix }) => fix);
  assert.ok(finding?.fix, `${sick}: ${JSON.stringify(report, null, 1)}`);
  await patient.take(finding.fix);
  await awaitPeers(lab);
  const again = await patient.doctor();
  const left = again.checks.filter(({ verdict }) => verdict !== "ok");
  assert.deepEqual(left, [], sick);
  assert.ok(await pull("after"), `${sick}: the advice is wrong`);
}

Deno.test("peili doctor", async (t) => {
  const versions = await versionsHere();
  const containerd = [versions.at(-1) ?? "2.1", ...versions];
  await using lab = await Lab.up({ nodes: containerd.length, containerd });
  const patients = lab.nodes.map((node) => new Patient(lab, node));
  await Promise.all(patients.map((patient) => patient.begin()));
  await awaitPeers(lab);

  await t.step("finds nothing wrong on a healthy node", async () => {
    for (const patient of patients) {
      const { exitCode, checks } = await patient.doctor();
      const bad = checks.filter(({ verdict }) => verdict !== "ok");
      assert.deepEqual(bad, [], patient.node.containerd.version);
      assert.equal(exitCode, 0);
      const ms = Math.max(...checks.map(({ ms }) => ms));
      const trial = checks.find(({ check }) => check === "trial");
      await print(
        `containerd ${patient.node.containerd.version}: ${ms} ms; ${
          trial?.findings[0]?.saw
        }`,
      );
    }
  });

  for (const wrong of WRONGS) {
    await t.step(`mends it when ${wrong.name}`, async () => {
      const { applies = () => true } = wrong;
      const sick = patients.slice(1).filter(({ node }) =>
        applies(node.containerd.version)
      );
      // All of them to their ends: the next step has the same nodes.
      const ends = await Promise.allSettled(sick.map(async (patient) => {
        try {
          await suffers(lab, patient, wrong);
        } finally {
          await patient.cure();
        }
      }));
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    });
  }
});
