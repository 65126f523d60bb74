/**
 * Whatever is wrong on a node, doctor names it, and what it says to do, done to
 * the letter, makes pulls go through Peili.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { ownImages } from "../../src/containerd/own_image.ts";
import type { CheckResult } from "../../src/doctor/check.ts";
import { trialImage } from "../../src/doctor/trial_image.ts";
import { awaitPeers, SETTLE_MS, SOON_MS } from "./evidence.ts";
import { fresh } from "./flying.ts";
import { print, versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { Patient } from "./patient.ts";
import { goesThrough, PULL_MS } from "./through.ts";
import { startTlsRegistry, type TlsRegistry } from "./tls_registry.ts";
import { waitFor } from "./wait.ts";

/** What containerd holds, of whatever kind. */
async function holdings(node: Node): Promise<string[]> {
  const lists = [
    ["images", "list", "--quiet"],
    ["content", "list", "--quiet"],
    ["leases", "list", "--quiet"],
    ["snapshots", "list"],
  ];
  return await Promise.all(lists.map((list) => node.ctr(list)));
}

/** Waits until containerd holds what it held: collections take a moment. */
async function awaitHoldings(
  node: Node,
  before: readonly string[],
): Promise<void> {
  let now: readonly string[] = [];
  await waitFor(`${node.name} to hold what it held`, async () => {
    now = await holdings(node);
    return now.every((list, i) => list === before[i]);
  }, { budgetMs: SOON_MS }).catch((cause) => {
    throw new Error(`it holds ${now.join()}, not ${before.join()}`, { cause });
  });
}

/** Something that is wrong. */
interface Wrong {
  name: string;
  /** The check that says so. */
  check: string;
  /** Where it is wrong; everywhere unless told. */
  applies?: (version: string) => boolean;
  befall: (patient: Patient, lab: Lab) => Promise<void>;
  /** The registry has the images, too. */
  pushed?: boolean;
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
    name: "hosts.toml asks the registry before Peili",
    check: "mirror-host",
    pushed: true,
    befall: async (patient, { upstream: { url, registry } }) => {
      const hosts = [url, patient.target].map((url) => `[host."${url}"]\n`);
      const toml = `server = "${url}"\n${hosts.join("")}`;
      await onlyHosts(patient, toml, registry);
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
    name: "Peili has other options than doctor",
    check: "trial",
    gives: true,
    befall: (patient) =>
      patient.restartPeili({
        "containerd-content-path": patient.node.path,
        "containerd-namespace": "default",
      }, { told: false }),
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
  { name, check, befall, pushed = false, gives = false }: Wrong,
): Promise<void> {
  const { node } = patient;
  const sick = `${node.name} (containerd ${node.containerd.version}), ${name}`;
  const [holder = node] = lab.nodes;
  const seed = `${node.name}-${name.replaceAll(/[^a-z]+/gi, "-")}`
    .toLowerCase();
  const pull = async (when: string) => {
    const name = `${seed}-${when}`;
    if (pushed) await lab.image("pause", name);
    const [from, to] = gives ? [node, holder] : [holder, node];
    return await goesThrough(lab, { holder: from, node: to, name });
  };
  await befall(patient, lab);
  assert.ok(!await pull("before"), `${sick}: nobody feels it`);
  const report = await patient.doctor();
  assert.notEqual(report.exitCode, 0, sick);
  const named = report.checks.find((one) => one.check === check);
  const finding = named?.findings.find(({ fix }) => fix);
  assert.ok(finding?.fix, `${sick}: ${JSON.stringify(report, null, 1)}`);
  await patient.take(finding.fix);
  assert.deepEqual(await leftOn(lab, patient), [], sick);
  assert.ok(await pull("after"), `${sick}: the advice is wrong`);
}

/** Looks again for a peer that was away: others are treated at the same time. */
const MAX_LOOKS = 3;

/** What is not well on a node. */
async function leftOn(lab: Lab, patient: Patient): Promise<CheckResult[]> {
  let left: CheckResult[] = [];
  for (let look = 0; look < MAX_LOOKS; look++) {
    await awaitPeers(lab);
    const { checks } = await patient.doctor();
    left = checks.filter(({ verdict }) => verdict !== "ok");
    if (!left.some(({ check }) => check === "peers")) break;
  }
  return left;
}

/** Makes a trial's image as doctor does, and leaves it there. */
async function removesKilledTrial(patient: Patient): Promise<void> {
  const { node } = patient;
  const before = await holdings(node);
  using images = ownImages({
    socket: node.containerd.socket,
    namespace: "k8s.io",
  });
  const { name, contents } = trialImage("peili-doctor.invalid", "killed");
  const { signal } = new AbortController();
  const expires = new Date(Date.now() + 60_000);
  await images.make(name, contents, { expires, signal });
  assert.ok((await node.images()).includes(name));
  assert.notDeepEqual(await holdings(node), before);
  const { checks } = await patient.doctor();
  assert.deepEqual(checks.filter(({ verdict }) => verdict !== "ok"), []);
  await awaitHoldings(node, before);
}

/**
 * Whether a node still gives what it has pulled, once the giver has it no more.
 *
 * @param loses Waits until the node has lost it, too
 */
async function stillGives(
  lab: Lab,
  { node, name, loses = false }: { node: Node; name: string; loses?: boolean },
): Promise<boolean> {
  const [holder = node] = lab.nodes;
  assert.ok(await goesThrough(lab, { holder, node, name }));
  const image = await lab.imageInfo("pause", name);
  const [layer] = image.layers;
  const full = `${lab.upstream.registry}/${image.repository}:v1`;
  await holder.removeImage(full);
  const gone = async (from: Node) => !await from.hasBlob(layer?.digest ?? "");
  for (const one of loses ? [holder, node] : [holder]) {
    await waitFor(`${one.name} to lose it`, () => gone(one), {
      budgetMs: SETTLE_MS,
    });
  }
  return await holder.pull(full, { budgetMs: PULL_MS })
    .then(() => true, () => false);
}

async function keepsLayers(lab: Lab, patient: Patient): Promise<void> {
  const { node } = patient;
  const seed = `${node.name}-discard`;
  await configured(
    patient,
    (text) => text.replaceAll(/(discard_unpacked_layers = )false/g, "$1true"),
  );
  const before = { node, name: `${seed}-before`, loses: true };
  assert.ok(!await stillGives(lab, before), "nobody feels it");
  const { exitCode, checks } = await patient.doctor();
  assert.equal(exitCode, 1, JSON.stringify(checks, null, 1));
  const named = checks.find(({ check }) => check === "discard-unpacked-layers");
  await patient.take(named?.findings[0]?.fix ?? []);
  const after = { node, name: `${seed}-after` };
  assert.ok(await stillGives(lab, after), "the advice is wrong");
}

/** Whether a node that leads comes to a registry by Peili's redirect. */
async function redirects(
  lab: Lab,
  { node, registry }: { node: Node; registry: TlsRegistry },
): Promise<boolean> {
  const { info } = await fresh(lab, "small");
  const [layer] = info.layers.toSorted((a, b) => b.size - a.size);
  await node.pull(`${registry.registry}/${info.repository}:${info.tag}`);
  const requests = await registry.requests();
  return requests.some(({ ip, uri, referer }) =>
    ip === node.ip && uri.includes(layer?.digest ?? "none") &&
    referer.includes(`//${node.ip}:30020/`)
  );
}

/** A hosts.toml by hand, whose CA is the server's alone. */
async function trustsRegistry(lab: Lab, patients: readonly Patient[]) {
  const registry = await startTlsRegistry(lab, { port: 5445, clients: false });
  const url = `https://${registry.registry}`;
  for (const patient of patients) {
    const { node, target } = patient;
    const mirror = `[host."${target}"]\ndial_timeout = "1s"\n`;
    const toml = `server = "${url}"\nca = "ca.pem"\n${mirror}`;
    await node.writeHosts(toml, registry.registry);
    const { hostsPath } = node.containerd;
    const ca = join(hostsPath, registry.registry, "ca.pem");
    await Deno.copyFile(registry.pem["ca.pem"], ca);
    assert.ok(!await redirects(lab, { node, registry }), "nobody feels it");
    const { checks } = await patient.doctor();
    const named = checks.find(({ check }) => check === "registry-access");
    assert.equal(named?.verdict, "warning", JSON.stringify(checks));
    await patient.take(named?.findings[0]?.fix ?? []);
    assert.ok(await redirects(lab, { node, registry }), "wrong advice");
    assert.equal((await patient.doctor()).exitCode, 0);
    await patient.cure();
  }
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
      const before = await holdings(patient.node);
      const { exitCode, checks } = await patient.doctor();
      await awaitHoldings(patient.node, before);
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

  await t.step("removes the trial of one that was killed", async () => {
    for (const patient of patients) await removesKilledTrial(patient);
  });

  await t.step("mends it when containerd throws layers away", async () => {
    for (const patient of patients.slice(1)) {
      try {
        await keepsLayers(lab, patient);
      } finally {
        await patient.cure();
      }
    }
  });

  await t.step(
    "mends it when Peili's entry lacks a registry's CA",
    async () => {
      await trustsRegistry(lab, patients.slice(1));
    },
  );

  await t.step("tells of a node with another secret", async () => {
    const [, patient] = patients;
    assert.ok(patient);
    const path = join(patient.node.path, "peili/other");
    await Deno.writeTextFile(path, "known to nobody else\n");
    await patient.restartPeili({ "secret-file": path });
    const { checks } = await patient.doctor();
    const peers = checks.find(({ check }) => check === "peers");
    assert.equal(peers?.verdict, "problem");
    assert.match(peers.findings[0]?.saw ?? "", /^a Peili with another secret/);
    await patient.cure();
    await awaitPeers(lab);
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
