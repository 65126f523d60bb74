/**
 * Zones on a cluster that copies no labels to pods, as those before Kubernetes
 * 1.35: the pods' own right, what it is worth, and that nothing fails without it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { runCommand } from "../lab/command.ts";
import { waitFor } from "../lab/wait.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type ClusterApi, pathOf } from "./cluster_api.ts";
import { CHART, type Helm, type KubeObject, startHelm } from "./helm.ts";
import { type Nodes, startNodes } from "./kubelet.ts";
import { awaitRollout } from "./rollout.ts";

const ZONE = "topology.kubernetes.io/zone";
const SOON_MS = 60_000;

interface World {
  readonly cluster: Cluster;
  readonly api: ClusterApi;
  readonly nodes: Nodes;
  readonly helm: Helm;
}

Deno.test("pods find their zone where the cluster does not tell it", async (t) => {
  await using cluster = await startCluster({ copiesZones: false });
  await using helm = await startHelm({ KUBECONFIG: cluster.kubeconfig });
  await using nodes = await startNodes(cluster);
  const zones = { a1: "z1", a2: "z2", b1: undefined };
  for (const [index, [name, zone]] of Object.entries(zones).entries()) {
    const labels = zone === undefined ? undefined : { [ZONE]: zone };
    await nodes.add({ name, ip: `10.1.0.${index}`, ...(labels && { labels }) });
  }
  const world = { cluster, api: cluster.api, nodes, helm };
  for (
    const [name, step] of Object.entries({
      "each pod asks for its own node": eachItsOwn,
      "the service account may get nodes and nothing else": rights,
      "without the right there is no zone, and no other harm": withoutRight,
      "two releases share no right, and leave none behind": twoReleases,
      "where it is turned off, nobody asks, and there is no role": turnedOff,
    })
  ) {
    await t.step(name, () => step(world));
  }
});

/** What `zone` left for `run` on each node; null: no file. */
async function zonesOf(
  { api, nodes }: World,
  namespace: string,
): Promise<Record<string, string | null>> {
  const zones: Record<string, string | null> = {};
  for (const pod of await api.list("Pod", namespace)) {
    const path = join(nodes.volume(pod, "data"), "zone");
    zones[pod.spec.nodeName] = await Deno.readTextFile(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    });
  }
  return zones;
}

/** What of the whole cluster is a release's. */
async function clusterWide(api: ClusterApi): Promise<string[]> {
  const kinds = ["ClusterRole", "ClusterRoleBinding"];
  const lists = await Promise.all(kinds.map((kind) => api.list(kind)));
  return lists.flat()
    .filter(({ metadata }) =>
      metadata.labels?.["app.kubernetes.io/managed-by"] === "Helm"
    )
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

async function eachItsOwn(world: World): Promise<void> {
  const { api, nodes, helm } = world;
  await api.send("POST", pathOf("Namespace"), { metadata: { name: "one" } });
  await helm.run(["install", "peili", CHART, "-n", "one"]);
  await awaitRollout(api, "one");
  assert.deepEqual(nodes.failures, []);
  assert.deepEqual(await zonesOf(world, "one"), { a1: "z1", a2: "z2", b1: "" });
  for (const { metadata, spec } of await api.list("Pod", "one")) {
    assert.equal(metadata.labels?.[ZONE], undefined);
    const [run] = spec.containers;
    const paths = run.volumeMounts.map((
      { mountPath }: { mountPath: string },
    ) => mountPath);
    assert.ok(!paths.some((path: string) => path.includes("serviceaccount")));
  }
}

/** Whether the pods' service account may do something. */
async function may(
  api: ClusterApi,
  attributes: Record<string, string>,
): Promise<boolean> {
  const { body } = await api.send("POST", pathOf("SubjectAccessReview"), {
    spec: {
      user: "system:serviceaccount:one:peili",
      resourceAttributes: { namespace: "one", ...attributes },
    },
  });
  return body.status.allowed;
}

function mayGet(api: ClusterApi): Promise<boolean> {
  return may(api, { group: "", resource: "nodes", name: "a1", verb: "get" });
}

async function rights({ api }: World): Promise<void> {
  const nodes = { group: "", resource: "nodes", name: "a1" };
  assert.ok(await mayGet(api));
  for (
    const more of [
      ...["list", "watch", "patch", "update", "delete", "create"].map(
        (verb) => ({ ...nodes, verb }),
      ),
      { ...nodes, verb: "get", subresource: "proxy" },
      { ...nodes, verb: "update", subresource: "status" },
      ...["pods", "secrets", "configmaps", "serviceaccounts"].map((
        resource,
      ) => ({
        ...{ group: "", resource, verb: "get" },
      })),
      { group: "apps", resource: "daemonsets", verb: "get", name: "peili" },
    ]
  ) assert.ok(!await may(api, more), JSON.stringify(more));
}

async function withoutRight(world: World): Promise<void> {
  const { api, nodes, helm } = world;
  const chart = `${helm.path}/without`;
  await runCommand(["cp", "-r", CHART, chart]);
  const path = `${chart}/templates/zone.yaml`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("verbs: [get]", "verbs: [list]"));
  const old = await uids(api);
  const before = nodes.said.length;
  // First the right goes, then the pods: what was granted is not remembered long.
  await helm.run(["upgrade", "peili", chart, "-n", "one"]);
  await waitFor("the right to go", async () => !await mayGet(api), {
    budgetMs: SOON_MS,
  });
  await helm.run(
    ["upgrade", "peili", chart, "-n", "one"],
    { podAnnotations: { replaced: "yes" } },
  );
  await awaitRollout(api, "one");
  const pods = await uids(api);
  assert.equal(pods.length, 3);
  assert.ok(!pods.some((uid) => old.includes(uid)), "replaced");
  assert.deepEqual(nodes.failures, []);
  const none = { a1: null, a2: null, b1: null };
  assert.deepEqual(await zonesOf(world, "one"), none);
  const said = nodes.said.slice(before)
    .filter(([what]) => what.startsWith("zone on "));
  assert.equal(said.length, 3);
  for (const [, text] of said) {
    assert.match(
      text,
      /the zone cannot be found out.*403 nodes .* is forbidden/,
    );
  }
}

async function uids(api: ClusterApi): Promise<(string | undefined)[]> {
  return (await api.list("Pod", "one")).map(({ metadata }) => metadata.uid);
}

async function twoReleases(world: World): Promise<void> {
  const { api, helm } = world;
  await api.send("POST", pathOf("Namespace"), { metadata: { name: "two" } });
  await helm.run(["upgrade", "peili", CHART, "-n", "one"]);
  const registry = { hostPort: 30022, nodePort: 30023 };
  await helm.run(
    ["install", "peili", CHART, "-n", "two"],
    { service: { registry } },
  );
  await awaitRollout(api, "two");
  assert.deepEqual(await clusterWide(api), [
    "ClusterRole one.peili-zone",
    "ClusterRole two.peili-zone",
    "ClusterRoleBinding one.peili-zone",
    "ClusterRoleBinding two.peili-zone",
  ]);
  await helm.run(["uninstall", "peili", "-n", "one"]);
  assert.deepEqual(await clusterWide(api), [
    "ClusterRole two.peili-zone",
    "ClusterRoleBinding two.peili-zone",
  ]);
  await waitFor("the right to go", async () => !await mayGet(api), {
    budgetMs: SOON_MS,
  });
  assert.deepEqual(await zonesOf(world, "two"), { a1: "z1", a2: "z2", b1: "" });
  await helm.run(["uninstall", "peili", "-n", "two"]);
  assert.deepEqual(await clusterWide(api), []);
}

async function turnedOff(world: World): Promise<void> {
  const { api, nodes, helm } = world;
  const before = nodes.ran.length;
  const values = { peili: { zoneFromNode: false } };
  await helm.run(["install", "peili", CHART, "-n", "one"], values);
  await awaitRollout(api, "one");
  assert.deepEqual(await clusterWide(api), []);
  assert.ok(!nodes.ran.slice(before).some((run) => run.startsWith("zone")));
  const pods: KubeObject[] = await api.list("Pod", "one");
  assert.equal(pods.length, 3);
  for (const { spec } of pods) {
    assert.doesNotMatch(JSON.stringify(spec), /serviceAccountToken"/);
  }
  await helm.run(["uninstall", "peili", "-n", "one"]);
}
