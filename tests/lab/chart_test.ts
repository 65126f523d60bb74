/**
 * The pods that the chart makes of its defaults, on containerds at their usual
 * paths, in a network of pods with host ports: from `configure` to `restore`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { groupMemory } from "./cgroup.ts";
import { DOMAIN, startDns } from "./dns.ts";
import {
  assertHolds,
  awaitLine,
  onLab,
  peersOf,
  SETTLE_MS,
  withoutUpstream,
} from "./evidence.ts";
import { assertOutcome, fresh, ONE_COPY, pulledBy } from "./flying.ts";
import { print } from "./here.ts";
import { type KubePod, placePod, type PodWorld } from "./kube_pod.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { PEER_PORT } from "./peili_command.ts";
import { imageArchives, PAUSE_IMAGE } from "./peili_image.ts";
import { HOST_PORT, NODE_PORT } from "./peili_pod.ts";
import { bytesOfQuantity, type PodTemplate } from "./pod_spec.ts";
import { startPodNetwork } from "./pod_network.ts";
import { waitFor } from "./wait.ts";

/** One of either generation. */
const CONTAINERD = ["2.1", "1.7"] as const;

/** What `helm template` makes of the defaults; tests/chart keeps it so. */
const RENDERED = new URL("../chart/golden/defaults.yaml", import.meta.url);

/** Made by Helm, so another one each time. */
const SECRET = "a secret that Helm would have made of 64 random characters";

/** The container that runs. */
const PEILI = "peili";

// deno-lint-ignore no-explicit-any -- an object of Kubernetes, freely looked into
type KubeObject = any;

/** The chart's objects. */
async function rendered(): Promise<KubeObject[]> {
  return parseAllDocuments(await Deno.readTextFile(RENDERED))
    .map((document) => document.toJS());
}

/** What a step works with. */
interface World {
  readonly lab: Lab;
  readonly objects: readonly KubeObject[];
  readonly world: PodWorld;
  /** Names in DNS. */
  setEndpoints(pods: readonly KubePod[]): Promise<void>;
  /** The mirror's pods, by node. */
  readonly pods: Map<Node, KubePod>;
}

/** The object of a kind and a name. */
function objectOf(
  { objects }: Pick<World, "objects">,
  kind: string,
  name: string,
): KubeObject {
  return objects.find((object) =>
    object.kind === kind && object.metadata.name === name
  );
}

function templateOf(
  world: Pick<World, "objects">,
  daemonSet: string,
): PodTemplate {
  return objectOf(world, "DaemonSet", daemonSet).spec.template;
}

/** All of a node's certs.d, by path. */
async function hostsOf({ containerd: { enter } }: Node): Promise<string> {
  const folder = "/etc/containerd/certs.d";
  const command = [...enter, "grep", "-r", "", folder, "--include=hosts.toml"];
  const { stdout } = await new Deno.Command(command[0] ?? "", {
    args: command.slice(1),
  }).output();
  return new TextDecoder().decode(stdout).split("\n").sort().join("\n");
}

/** One after the other: what fails on one node is not done on the next. */
async function starts(world: World): Promise<void> {
  const template = templateOf(world, "peili");
  for (const node of world.lab.nodes) {
    const placed = { name: `peili-${node.name}`, world: world.world };
    const pod = await placePod(node, template, placed);
    world.pods.set(node, pod);
    await pod.start();
    await pod.awaitProbe(PEILI, "startupProbe");
    const hosts = await hostsOf(node);
    for (const port of [HOST_PORT, NODE_PORT]) {
      assert.ok(hosts.includes(`[host."http://${node.ip}:${port}"]`), hosts);
    }
  }
}

/** DNS gives all their addresses from here on, as the Service says: not ready yet. */
async function becomesReady(world: World): Promise<void> {
  const pods = [...world.pods.values()];
  await world.setEndpoints(pods);
  for (const pod of pods) await pod.awaitProbe(PEILI, "readinessProbe");
  for (const pod of pods) assert.ok(await pod.probe(PEILI, "livenessProbe"));
}

/** Each finds the others by the addresses that DNS has, at the pods' own ports. */
async function findPeers({ pods }: World): Promise<void> {
  for (const [node, { ip }] of pods) {
    const others = [...pods.values()].filter((pod) => pod.ip !== ip);
    await waitFor(`${node.name} to find its peers`, async () => {
      const there = await peersOf(node);
      return others.every((pod) => there.has(peerOf(pod)));
    }, { budgetMs: SETTLE_MS, log: node.peiliLog });
  }
}

/** Where a pod answers other pods. */
function peerOf({ ip }: KubePod): string {
  return `${ip}:${PEER_PORT}`;
}

/** Its containerd asks the node's host port, and the pod another pod. */
async function pulls({ lab, pods }: World): Promise<void> {
  const [first, second] = [lab.node(1), lab.node(2)];
  const { name, info } = await fresh(lab, "b100x4");
  await first.pull(name);
  const { registry } = lab.upstream;
  const tag =
    `http://${second.ip}:${HOST_PORT}/v2/${info.repository}/manifests/v1`;
  await waitFor(`${first.name} to tell of ${name}`, async () => {
    return await second.httpStatus(`${tag}?ns=${registry}`, "--head") === 200;
  }, { budgetMs: SETTLE_MS, log: second.peiliLog });
  await withoutUpstream(lab, () => second.pull(name).then(() => {}));
  await assertHolds(second, info);
  const holder = pods.get(first);
  assert.ok(holder);
  for (const { digest } of info.layers) {
    const { status, source } = await awaitLine(
      second,
      digest,
      ({ listener }) => listener === "mirror",
    );
    assert.deepEqual([status, source], [200, peerOf(holder)]);
  }
}

async function pullTogether({ lab }: World): Promise<void> {
  const image = await fresh(lab, "b100x4");
  await assertOutcome(await pulledBy(lab, lab.nodes, image), {
    what: "a cold start in the chart's pods",
    nodes: lab.nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** The socket that a restarted containerd makes is in the same folder. */
async function outliveContainerd(world: World): Promise<void> {
  for (const node of world.lab.nodes) await node.containerd.restart();
  await pulls(world);
}

/** What the kernel makes of the chart's limits and of its securityContext. */
async function keepToLimits(world: World): Promise<void> {
  const [container] = templateOf(world, "peili").spec.containers;
  const { memory } = container.resources.limits;
  for (const [node, { pod }] of world.pods) {
    const { pid } = await pod.state(PEILI);
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const field = (name: string) =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim();
    assert.equal(field("Uid"), "65532\t65532\t65532\t65532");
    assert.equal(field("CapBnd"), "0000000000000000");
    assert.equal(field("NoNewPrivs"), "1");
    assert.equal(field("Seccomp"), "2", "by a filter");
    assert.match(field("NSpid") ?? "", /\t1$/, "the first of its own");
    const { limit, peak, kills } = await groupMemory(pid);
    assert.equal(limit, bytesOfQuantity(memory));
    assert.equal(kills, 0);
    const usage = await pod.usage(PEILI);
    const mib = (bytes = NaN) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
    await print(
      `${node.name}: anonymous ${mib(usage?.anon)}, VmHWM ${
        mib(usage?.hwm)
      }, ` +
        `group's peak ${mib(peak)} of ${mib(limit)}`,
    );
  }
}

/** Doctor in the pod, with what `run` has, sees the node as the pod sees it. */
async function isWell({ pods, ...world }: World): Promise<void> {
  const [container] = templateOf(world, "peili").spec.containers;
  const command = container.command.map((word: string) =>
    word.replace("-P=run", "-P=doctor")
  );
  const args = ["doctor", ...container.args.slice(1)];
  for (const { pod, runToEnd } of pods.values()) {
    await runToEnd({ ...container, name: "doctor", command, args });
    const report = await pod.textOf("doctor");
    assert.match(report, /^ok +trial /m);
    assert.doesNotMatch(report, /^(?:problem|warning) /m, report);
  }
}

/** As Helm's hook: the mirror's pods are gone, and each node gets another one. */
async function restores(
  world: World,
  before: readonly string[],
): Promise<void> {
  const template = templateOf(world, "peili-restore");
  for (const [node, mirror] of world.pods) {
    assert.equal(await mirror.pod.stop(PEILI), 0);
    await mirror[Symbol.asyncDispose]();
    world.pods.delete(node);
    const placed = { name: `restore-${node.name}`, world: world.world };
    await using pod = await placePod(node, template, placed);
    await pod.start();
    assert.ok((await pod.pod.state("done")).running);
  }
  const after = await Promise.all(world.lab.nodes.map(hostsOf));
  assert.deepEqual(after, before);
}

/** The cluster's DNS, as far as the chart's headless Service is in it. */
async function startWorld(lab: Lab): Promise<World> {
  const objects = await rendered();
  const service = objectOf({ objects }, "Service", "peili-bootstrap");
  assert.equal(service.spec.clusterIP, "None");
  assert.ok(service.spec.publishNotReadyAddresses);
  const { name, namespace } = service.metadata;
  const dns = await startDns(lab.folder, lab.upstream);
  const secret = objectOf({ objects }, "Secret", "peili-peers");
  assert.deepEqual(Object.keys(secret.data), ["secret"]);
  return {
    lab,
    objects,
    pods: new Map(),
    world: {
      namespace,
      dns: { server: lab.upstream.ip, domain: DOMAIN },
      secrets: { [secret.metadata.name]: { secret: SECRET } },
    },
    setEndpoints: (pods) =>
      dns.set({
        [`${name}.${namespace}.svc.${DOMAIN}`]: pods.map(({ ip }) => ip),
      }),
  };
}

Deno.test("the chart's pods do on real containerds what the chart says", async (t) => {
  await using lab = await Lab.up({
    nodes: CONTAINERD.length,
    containerd: CONTAINERD,
    settings: { sandboxImage: PAUSE_IMAGE, usualPaths: true },
  });
  const archives = await imageArchives(lab.folder);
  for (const node of lab.nodes) {
    await node.importArchive(archives.pause);
    await node.importArchive(archives.peili);
  }
  await startPodNetwork(lab);
  const world = await startWorld(lab);
  const before = await Promise.all(lab.nodes.map(hostsOf));
  const steps: Record<string, (world: World) => Promise<void>> = {
    "configure writes hosts.toml, and run passes its startup probe": starts,
    "it is ready and alive by its other probes": becomesReady,
    "each finds the others": findPeers,
    "doctor finds nothing wrong with the nodes": isWell,
    "a node pulls through its host port what another has": pulls,
    "nodes that pull at once cost the registry one copy": pullTogether,
    "containerd starts anew": outliveContainerd,
    "it may do nothing, and its memory is limited": keepToLimits,
    "restore takes out what configure wrote": (world) =>
      restores(world, before),
  };
  for (const [name, run] of Object.entries(steps)) {
    if (!await onLab(t, lab, [name, () => run(world)])) break;
  }
});
