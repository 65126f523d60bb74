/**
 * The packaged chart on a real API server: installed, upgraded and uninstalled,
 * with nodes on which `configure` and `restore` really happen.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import deno from "../../deno.json" with { type: "json" };
import { runCommand } from "../lab/command.ts";
import { waitFor } from "../lab/wait.ts";
import { type Cluster, freePorts, startCluster } from "./cluster.ts";
import { type ClusterApi, pathOf } from "./cluster_api.ts";
import { CORPUS } from "./corpus.ts";
import {
  CHART,
  type Helm,
  type KubeObject,
  objectsOf,
  startHelm,
} from "./helm.ts";
import { type Nodes, startNodes } from "./kubelet.ts";
import { awaitRollout } from "./rollout.ts";
import { customDefinitions } from "./tools.ts";

/** For what takes a second on an idle machine. */
const SOON_MS = 60_000;

const USERS_OWN = '[host."https://own-mirror.example"]\n';

/** What a step works with. */
interface World {
  readonly cluster: Cluster;
  readonly api: ClusterApi;
  readonly nodes: Nodes;
  readonly helm: Helm;
  /** Where the packaged chart is, for helm. */
  readonly chart: readonly string[];
}

Deno.test("the chart lives on a cluster", async (t) => {
  await using cluster = await startCluster();
  await using helm = await startHelm({ KUBECONFIG: cluster.kubeconfig });
  await using nodes = await startNodes(cluster);
  await addNodes(nodes);
  const chart = await published(cluster, helm);
  const world = { cluster, api: cluster.api, nodes, helm, chart };
  for (
    const [name, step] of Object.entries({
      "its objects pass the server's own validation, whatever the values":
        validated,
      "helm install makes a pod on each Linux node, and each node asks it":
        installed,
      "helm upgrade keeps the secret and replaces the pods": upgraded,
      "helm uninstall restores every node, and leaves the secret alone":
        uninstalled,
      "two releases on one node: one goes, and the other does not notice":
        twoReleases,
      "the hook has the one right that it needs, and needs it": rights,
      "a node that is lost does not keep the release, but is told": lostNode,
      "a namespace needs privileged, for host paths, a host port and root alone":
        podSecurity,
    })
  ) {
    await t.step(name, () => step(world));
  }
});

/** Two pools, three zones, one of IPv6, one of Windows, one that is tainted. */
async function addNodes(nodes: Nodes): Promise<void> {
  const zone = "topology.kubernetes.io/zone";
  const tainted = [{ key: "new", value: "yes", effect: "NoSchedule" }];
  await nodes.add({
    name: "a1",
    ip: "10.1.0.1",
    labels: { pool: "a", [zone]: "z1" },
  });
  await nodes.add({
    name: "a2",
    ip: "10.1.0.2",
    labels: { pool: "a", [zone]: "z2" },
    taints: tainted,
  });
  await nodes.add({ name: "b1", ip: "fd00::b1", labels: { pool: "b" } });
  await nodes.add({
    name: "w1",
    ip: "10.1.0.9",
    labels: { "kubernetes.io/os": "windows" },
  });
  const path = `${nodes.root("a1")}/etc/containerd/certs.d/docker.io`;
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${path}/hosts.toml`, USERS_OWN);
}

/** Packages the chart and pushes it to a registry; says where it is then. */
async function published(cluster: Cluster, helm: Helm): Promise<string[]> {
  const [port = 0] = freePorts(1);
  const config = `${cluster.folder}/registry.json`;
  const storage = { filesystem: { rootdirectory: `${cluster.folder}/charts` } };
  const http = { addr: `127.0.0.1:${port}` };
  await Deno.writeTextFile(
    config,
    JSON.stringify({ version: "0.1", storage, http }),
  );
  await cluster.start("registry", ["docker-registry", "serve", config]);
  await helm.run(["package", CHART, "--destination", helm.path]);
  const archive = `${helm.path}/peili-${deno.version}.tgz`;
  const registry = `oci://127.0.0.1:${port}/charts`;
  await waitFor("the registry to take the chart", async () => {
    return (await helm.try(["push", archive, registry, "--plain-http"]))
      .code === 0;
  }, { budgetMs: SOON_MS });
  const version = ["--version", deno.version, "--plain-http"];
  return [`${registry}/peili`, ...version];
}

/** Makes a namespace with these levels of Pod Security, by mode. */
async function makeNamespace(
  api: ClusterApi,
  name: string,
  levels: Record<string, string> = {},
): Promise<void> {
  const labels = Object.fromEntries(
    Object.entries(levels).map(([mode, level]) => [
      `pod-security.kubernetes.io/${mode}`,
      level,
    ]),
  );
  await api.send("POST", pathOf("Namespace"), { metadata: { name, labels } });
}

/** What all nodes have in `certs.d`. */
async function allHosts(nodes: Nodes) {
  const [a1, a2, b1, w1] = await Promise.all(
    ["a1", "a2", "b1", "w1"].map((name) => nodes.hosts(name)),
  );
  return { a1, a2, b1, w1 };
}

const UNTOUCHED = {
  a1: { "docker.io/hosts.toml": USERS_OWN },
  a2: {},
  b1: {},
  w1: {},
};

const WAIT = ["--wait", "--timeout", "3m"];

async function validated({ api, helm }: World): Promise<void> {
  await makeNamespace(api, "system");
  for (const text of await customDefinitions()) {
    for (const document of parseAllDocuments(text)) {
      await api.send(
        "POST",
        pathOf("CustomResourceDefinition"),
        document.toJS(),
      );
    }
  }
  const strictly = "?dryRun=All&fieldValidation=Strict";
  await waitFor("the operators' kinds", async () => {
    const kinds = ["ServiceMonitor", "PodMonitor", "VerticalPodAutoscaler"];
    const lists = kinds.map((kind) => api.ask("GET", pathOf(kind, "system")));
    return (await Promise.all(lists)).every(({ status }) => status === 200);
  }, { budgetMs: SOON_MS });
  let count = 0;
  for (const { name, values } of CORPUS) {
    const all = ["--api-versions", "autoscaling.k8s.io/v1"];
    const objects = (await helm.template(values, all))
      .filter(({ metadata }) => (metadata.namespace ?? "system") === "system");
    for (const object of objects) {
      const path = pathOf(object.kind, object.metadata.namespace);
      const answer = await api.ask("POST", path + strictly, object);
      assert.equal(answer.status, 201, `${name}: ${answer.body.message}`);
      assert.deepEqual(answer.warnings, [], name);
    }
    count += objects.length;
  }
  assert.ok(count > 10 * CORPUS.length);
  for (const name of ["peili", "restore"]) {
    const url = new URL(`../../deploy/manifests/${name}.yaml`, import.meta.url);
    for (const object of objectsOf(await Deno.readTextFile(url))) {
      const path = pathOf(object.kind, object.metadata.namespace);
      const { warnings } = await api.send("POST", path + strictly, object);
      assert.deepEqual(warnings, []);
    }
  }
}

async function installed({ api, nodes, helm, chart }: World): Promise<void> {
  await makeNamespace(api, "peili", { enforce: "privileged" });
  await helm.run(["install", "peili", ...chart, "-n", "peili", ...WAIT]);
  await awaitRollout(api, "peili");
  const pods = await api.list("Pod", "peili");
  assert.deepEqual(pods.map(({ spec }) => spec.nodeName).sort(), [
    "a1",
    "a2",
    "b1",
  ]);
  const zones = pods.map(({ spec, metadata }) => [
    spec.nodeName,
    metadata.labels?.["topology.kubernetes.io/zone"],
  ]);
  assert.deepEqual(Object.fromEntries(zones), {
    a1: "z1",
    a2: "z2",
    b1: undefined,
  });
  for (const { spec } of pods) {
    assert.deepEqual(withToken(spec), ["zone"]);
    assert.equal(spec.priority, 2_000_001_000);
  }
  // Only who was not told asks.
  assert.deepEqual(
    Object.fromEntries(
      nodes.said.filter(([ran]) => ran.startsWith("zone on "))
        .map(([ran, text]) => [ran, JSON.parse(text).msg]),
    ),
    {
      "zone on a1": "the zone is known",
      "zone on a2": "the zone is known",
      "zone on b1": "the node has no zone",
    },
  );
  const { a1, a2, b1, w1 } = await allHosts(nodes);
  const targets = (text = "") =>
    [...text.matchAll(/^\[host\."(.+)"\]$/gm)].map(([, url]) => url);
  assert.deepEqual(targets(a2?.["_default/hosts.toml"]), [
    "http://10.1.0.2:30020",
    "http://10.1.0.2:30021",
  ]);
  assert.deepEqual(targets(b1?.["_default/hosts.toml"]), [
    "http://[fd00::b1]:30020",
    "http://[fd00::b1]:30021",
  ]);
  assert.deepEqual(targets(a1?.["docker.io/hosts.toml"]), [
    "http://10.1.0.1:30020",
    "http://10.1.0.1:30021",
    "https://own-mirror.example",
  ]);
  assert.deepEqual(w1, {});
  assert.deepEqual(nodes.failures, []);
}

/** Which containers of a pod have a token. */
function withToken({ volumes, initContainers, containers }: KubeObject) {
  const { name } = volumes.find((volume: KubeObject) =>
    JSON.stringify(volume).includes('"serviceAccountToken"')
  );
  return [...initContainers, ...containers]
    .filter(({ volumeMounts }) =>
      volumeMounts.some((mount: KubeObject) => mount.name === name)
    )
    .map(({ name }) => name);
}

/** The secret of a release, as its pods read it. */
async function secretOf(api: ClusterApi, namespace: string): Promise<string> {
  const secret = await api.get("Secret", namespace, "peili-peers");
  return atob(secret?.data.secret ?? "");
}

async function upgraded({ api, helm, chart }: World): Promise<void> {
  const before = await secretOf(api, "peili");
  assert.match(before, /^[A-Za-z0-9]{64}$/);
  // Its owner begins to change it.
  const lines = `${before}\nthe next one\n`;
  await api.send("PATCH", pathOf("Secret", "peili", "peili-peers"), {
    data: { secret: btoa(lines) },
  });
  const old = (await api.list("Pod", "peili")).map(({ metadata }) =>
    metadata.uid
  );
  const args = ["upgrade", "peili", ...chart, "-n", "peili", ...WAIT];
  await helm.run([...args, "--set", "peili.fanOut=2"]);
  assert.equal(await secretOf(api, "peili"), lines);
  const pods = await api.list("Pod", "peili");
  assert.equal(pods.length, 3);
  for (const { metadata, spec } of pods) {
    assert.ok(!old.includes(metadata.uid), "replaced");
    assert.ok(spec.containers[0].args.includes("--fan-out=2"));
  }
}

/** What is left in a namespace, but what every namespace has. */
async function leftIn(api: ClusterApi, namespace: string): Promise<string[]> {
  const kinds = [
    ...["DaemonSet", "Job", "NetworkPolicy", "Role", "RoleBinding"],
    ...["Secret", "Service", "ServiceAccount"],
  ];
  const lists = await Promise.all(
    kinds.map((kind) => api.list(kind, namespace)),
  );
  return lists.flat().map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .filter((name) => name !== "ServiceAccount default");
}

async function uninstalled(world: World): Promise<void> {
  const { api, nodes, helm, chart } = world;
  const secret = await secretOf(api, "peili");
  await helm.run(["uninstall", "peili", "-n", "peili"]);
  assert.deepEqual(await allHosts(nodes), UNTOUCHED);
  assert.deepEqual(
    nodes.ran.filter((run) => run.startsWith("restore")).sort(),
    [
      "restore on a1",
      "restore on a2",
      "restore on b1",
    ],
  );
  await waitFor("what the hook made to go", async () => {
    return (await leftIn(api, "peili")).join() === "Secret peili-peers";
  }, { budgetMs: SOON_MS });
  // Who installs it again has the same secret.
  await helm.run(["install", "peili", ...chart, "-n", "peili", ...WAIT]);
  assert.equal(await secretOf(api, "peili"), secret);
  await helm.run(["uninstall", "peili", "-n", "peili"]);
}

async function twoReleases({ api, nodes, helm, chart }: World): Promise<void> {
  const install = (name: string, values: unknown) =>
    helm.run(["install", name, ...chart, "-n", "peili", ...WAIT], values);
  const ports = { registry: { hostPort: 30022, nodePort: 30023 } };
  await install("green", { service: ports });
  const green = await allHosts(nodes);
  await install("blue", { nodeSelector: { pool: "a" } });
  const both = await allHosts(nodes);
  assert.match(
    both.a1?.["_default/hosts.toml"] ?? "",
    /deployment peili\.blue/,
  );
  assert.deepEqual(both.b1, green.b1);
  const before = nodes.ran.length;
  await helm.run(["uninstall", "blue", "-n", "peili"]);
  assert.deepEqual(await allHosts(nodes), green);
  const restored = nodes.ran.slice(before)
    .filter((run) => run.startsWith("restore")).sort();
  assert.deepEqual(restored, ["restore on a1", "restore on a2"]);
  const pods = (await api.list("Pod", "peili"))
    .filter(({ metadata }) => metadata.name.startsWith("green"));
  assert.equal(pods.length, 3);
  await helm.run(["uninstall", "green", "-n", "peili"]);
  assert.deepEqual(await allHosts(nodes), UNTOUCHED);
}

/** Whether the hook's service account may do something. */
async function may(
  api: ClusterApi,
  attributes: Record<string, string>,
): Promise<boolean> {
  const user = "system:serviceaccount:rights:peili-restore";
  const resourceAttributes = { namespace: "rights", ...attributes };
  const { body } = await api.send("POST", pathOf("SubjectAccessReview"), {
    spec: { user, resourceAttributes },
  });
  return body.status.allowed;
}

async function rights({ api, nodes, helm }: World): Promise<void> {
  await makeNamespace(api, "rights");
  const objects = await helm.template({});
  const roles = objects.filter(({ kind }) => /^Role(Binding)?$/.test(kind));
  assert.equal(roles.length, 2);
  for (const role of roles) {
    const text = JSON.stringify(role).replaceAll('"system"', '"rights"');
    await api.create(JSON.parse(text) as KubeObject);
  }
  const own = { group: "apps", resource: "daemonsets", name: "peili-restore" };
  await waitFor("the right", () => may(api, { ...own, verb: "get" }), {
    budgetMs: SOON_MS,
  });
  for (
    const more of [
      { ...own, verb: "patch" },
      { ...own, verb: "delete" },
      { ...own, verb: "get", name: "peili" },
      { ...own, verb: "get", namespace: "peili" },
      { group: "apps", resource: "daemonsets", verb: "list" },
      { group: "", resource: "secrets", verb: "get", name: "peili-peers" },
      { group: "", resource: "nodes", verb: "get" },
      { group: "", resource: "pods", verb: "list" },
    ]
  ) assert.ok(!await may(api, more), JSON.stringify(more));

  // The same chart with another right: its uninstallation cannot know its end.
  const chart = `${helm.path}/other`;
  await runCommand(["cp", "-r", CHART, chart]);
  const path = `${chart}/templates/restore.yaml`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("verbs: [get]", "verbs: [list]"));
  await failsToUninstall(
    { api, nodes, helm },
    chart,
    /it cannot be read .*is forbidden: User/,
  );
  assert.deepEqual(await allHosts(nodes), UNTOUCHED, "restored all the same");
}

/** Installs, and uninstalls with a complaint; the release is gone all the same. */
async function failsToUninstall(
  { api, nodes, helm }: Pick<World, "api" | "nodes" | "helm">,
  chart: string,
  says: RegExp,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  // Long enough for a busy machine to restore the nodes that live.
  const values = { cleanup: { timeoutSeconds: 15 } };
  await helm.run(["install", "p", chart, "-n", "peili", ...WAIT], values);
  await between();
  const failed = nodes.failures.length;
  const { code, stderr } = await helm.try(["uninstall", "p", "-n", "peili"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /uninstallation completed with 1 error[^]*p-peili-restore failed/,
  );
  const [failure = ""] = nodes.failures.slice(failed);
  assert.match(failure, says);
  assert.equal((await helm.run(["list", "-q", "-n", "peili"])).trim(), "");
  // The Job's log can still be read; nothing else of it is there.
  await waitFor("all but the Job to go", async () => {
    const left = (await leftIn(api, "peili"))
      .filter((name) => !name.startsWith("Secret"));
    return left.join() === "Job p-peili-restore";
  }, { budgetMs: SOON_MS });
  await api.send("DELETE", pathOf("Job", "peili", "p-peili-restore"), {
    kind: "DeleteOptions",
    apiVersion: "v1",
    propagationPolicy: "Background",
  });
}

async function lostNode({ api, nodes, helm }: World): Promise<void> {
  await failsToUninstall(
    { api, nodes, helm },
    CHART,
    /2 of 3 nodes are done after 15 s/,
    () => nodes.lose("b1"),
  );
  const { a1, a2, b1 } = await allHosts(nodes);
  assert.deepEqual({ a1, a2 }, { a1: UNTOUCHED.a1, a2: UNTOUCHED.a2 });
  assert.match(b1?.["_default/hosts.toml"] ?? "", /peili\.p-peili/);
}

async function podSecurity({ api, helm }: World): Promise<void> {
  await makeNamespace(api, "warned", { warn: "restricted" });
  await makeNamespace(api, "strict", { enforce: "baseline" });
  const warned: Record<string, string> = {};
  for (const object of await helm.template({ namespaceOverride: "warned" })) {
    if (!["DaemonSet", "Job"].includes(object.kind)) continue;
    const path = `${pathOf(object.kind, "warned")}?dryRun=All`;
    const { warnings } = await api.send("POST", path, object);
    warned[`${object.kind} ${object.metadata.name}`] = warnings.join();
  }
  const hostPaths = (which: string) =>
    `restricted volume types (${which} restricted volume type \\"hostPath\\")`;
  const root = (container: string) => [
    `runAsNonRoot != true (pod or container \\"${container}\\" must set securityContext.runAsNonRoot=true)`,
    `runAsUser=0 (container \\"${container}\\" must not set runAsUser=0)`,
  ];
  const wants = (...all: string[]) =>
    `would violate PodSecurity \\"restricted:latest\\": ${all.join(", ")}`;
  assert.deepEqual(warned, {
    "DaemonSet peili": wants(
      'hostPort (container \\"peili\\" uses hostPort 30020)',
      hostPaths(
        'volumes \\"containerd\\", \\"content\\", \\"registry-config\\" use',
      ),
      ...root("configure"),
    ),
    "DaemonSet peili-restore": wants(
      'hostPort (container \\"done\\" uses hostPort 30020)',
      hostPaths('volume \\"registry-config\\" uses'),
      ...root("restore"),
    ),
    "Job peili-restore": "",
  });

  await helm.run(["install", "peili", CHART, "-n", "strict"]);
  await waitFor("to be told why there is no pod", async () => {
    const events = await api.list("Event", "strict");
    return events.some(({ message }) =>
      String(message).includes('violates PodSecurity "baseline:latest"')
    );
  }, { budgetMs: SOON_MS });
  assert.deepEqual(await api.list("Pod", "strict"), []);
}
