/**
 * Nodes as far as the chart can tell: a Node object and a folder that is its root
 * file system. Pods that the scheduler gives them are brought to life by one loop:
 * what `configure`, `restore` and `wait` do really happens, as this program does
 * it, in the node's folder; `run` is only said to run.
 *
 * @module
 */

import { join } from "node:path/posix";
import { ROOT } from "../program.ts";
import type { Cluster } from "./cluster.ts";
import { pathOf } from "./cluster_api.ts";
import type { KubeObject } from "./helm.ts";

/** Where containers find the folder of `hosts.toml` files. */
const CERTS = "/etc/containerd/certs.d";

/** Between two looks at all pods: there are a few dozen at most. */
const LOOK_EVERY_MS = 100;

/** What is added to a node. */
export interface NodeSpec {
  readonly name: string;
  readonly ip: string;
  readonly labels?: Record<string, string>;
  readonly taints?: readonly unknown[];
}

/** The nodes of a cluster; disposing of them ends the loop. */
export interface Nodes extends AsyncDisposable {
  /** Adds a node. */
  add(node: NodeSpec): Promise<void>;
  /** The root file system of a node. */
  root(name: string): string;
  /** What a node's files of `certs.d` are, by their paths. */
  hosts(name: string): Promise<Record<string, string>>;
  /** From now on nothing happens on this node, and the cluster knows. */
  lose(name: string): Promise<void>;
  /** What was run: `configure on NODE`. */
  readonly ran: string[];
  /** Containers that ended otherwise than well: `NAME: what it wrote`. */
  readonly failures: string[];
}

// deno-lint-ignore no-explicit-any -- a container as the API describes it
type Container = any;

/** Starts with no node. */
export function startNodes(cluster: Cluster): Nodes {
  const { api } = cluster;
  const known = new Map<string, Promise<void>>();
  const addresses = new Map<string, string>();
  const lost = new Set<string>();
  const [ran, failures]: [string[], string[]] = [[], []];
  const ended = new AbortController();
  const root = (name: string) => join(cluster.folder, "nodes", name);
  const look = async () => {
    for (const pod of await api.list("Pod")) {
      const node = pod.spec.nodeName ?? "";
      const ip = addresses.get(node);
      if (ip === undefined || lost.has(node)) continue;
      const { uid, deletionTimestamp } = pod.metadata;
      const key = `${uid} ${deletionTimestamp ? "ends" : "begins"}`;
      if (known.has(key)) continue;
      const life = { cluster, ip, root: root(node), ran, failures };
      known.set(key, liveThrough(pod, life));
    }
  };
  const loop = (async () => {
    while (!ended.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  })();
  return {
    root,
    ran,
    failures,
    async lose(name) {
      lost.add(name);
      const key = "node.kubernetes.io/unreachable";
      const taints = ["NoSchedule", "NoExecute"]
        .map((effect) => ({ key, effect }));
      await api.send("PATCH", pathOf("Node", "", name), { spec: { taints } });
    },
    hosts: (name) => filesBelow(join(root(name), CERTS)),
    async add({ name, ip, labels = {}, taints = [] }) {
      await Deno.mkdir(join(root(name), CERTS), { recursive: true });
      const all = { "kubernetes.io/os": "linux", ...labels };
      await api.send("POST", pathOf("Node"), {
        metadata: { name, labels: all },
      });
      const path = pathOf("Node", "", name);
      await api.send("PATCH", `${path}/status`, {
        status: {
          capacity: { cpu: "4", memory: "8Gi", pods: "110" },
          conditions: [{ type: "Ready", status: "True" }],
          addresses: [{ type: "InternalIP", address: ip }],
        },
      });
      // A new node is tainted until somebody finds it ready.
      await api.send("PATCH", path, { spec: { taints } });
      addresses.set(name, ip);
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await loop;
      await Promise.all(known.values());
    },
  };
}

/** Where a pod lives, and where is written down what it does. */
interface Life {
  readonly cluster: Cluster;
  readonly ip: string;
  readonly root: string;
  readonly ran: string[];
  readonly failures: string[];
}

/** Does what a kubelet does about one pod: starts it, or lets it go. */
async function liveThrough(pod: KubeObject, life: Life): Promise<void> {
  const { api } = life.cluster;
  const { name, namespace } = pod.metadata;
  const path = pathOf("Pod", namespace, name);
  if (pod.metadata.deletionTimestamp) {
    const now = { kind: "DeleteOptions", apiVersion: "v1" };
    await api.ask("DELETE", path, { ...now, gracePeriodSeconds: 0 });
    return;
  }
  const { initContainers = [], containers, restartPolicy } = pod.spec;
  for (const container of initContainers) {
    if (!await runContainer(pod, container, life)) return; // it stays pending
  }
  if (restartPolicy === "Never") {
    const done = await runContainer(pod, containers[0], life);
    const phase = done ? "Succeeded" : "Failed";
    await api.ask("PATCH", `${path}/status`, { status: { phase } });
    return;
  }
  await api.ask("PATCH", `${path}/status`, {
    status: {
      phase: "Running",
      podIP: "10.244.0.1",
      podIPs: [{ ip: "10.244.0.1" }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

/** Runs what has an end; true when it ended well. */
async function runContainer(
  pod: KubeObject,
  container: Container,
  { cluster, ip, root, ran, failures }: Life,
): Promise<boolean> {
  const [command = "", ...rest] = container.args ?? [];
  const env = variablesOf(pod, container, ip);
  ran.push(`${command} on ${pod.spec.nodeName}`);
  const args = rest.map((arg: string) =>
    arg.replace(/\$\((\w+)\)/g, (_, name) => env[name] ?? "")
  );
  const own: string[] = [];
  if (command === "wait") own.push(...await credentials(pod, cluster));
  else {own.push(
      `--containerd-registry-config-path=${certsOf(pod, container, root)}`,
    );}
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--cached-only", "main.ts"],
      ...[command, ...args, ...own],
    ],
    cwd: ROOT,
    env: {
      ...env,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(cluster.port),
    },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code === 0) return true;
  failures.push(`${pod.metadata.name}: ${new TextDecoder().decode(stderr)}`);
  return false;
}

/** Where the node has what a container sees as `certs.d`. */
function certsOf(pod: KubeObject, container: Container, root: string): string {
  const volume = pod.spec.volumes
    .find(({ name }: { name: string }) => name === "registry-config");
  const mount = (container.volumeMounts ?? [])
    .find(({ name }: { name: string }) => name === volume?.name);
  if (!mount) throw new Error(`${container.name} has no certs.d`);
  return join(root, volume.hostPath.path);
}

/** The variables of a container, as the downward API fills them in. */
function variablesOf(
  pod: KubeObject,
  container: Container,
  ip: string,
): Record<string, string> {
  const all: [string, string][] = [];
  for (const { name, value, valueFrom } of container.env ?? []) {
    const path = valueFrom?.fieldRef?.fieldPath ?? "";
    const [, label] = /^metadata\.labels\['(.+)'\]$/.exec(path) ?? [];
    if (label) all.push([name, pod.metadata.labels?.[label] ?? ""]);
    else if (path === "status.hostIP") all.push([name, ip]);
    else all.push([name, value ?? ""]);
  }
  return Object.fromEntries(all);
}

/** A pod's token and CA, where it has them mounted. */
async function credentials(
  pod: KubeObject,
  { api, ca, folder }: Cluster,
): Promise<string[]> {
  const mounted = pod.spec.volumes.some(({ projected }: Container) =>
    projected?.sources.some((source: Container) => source.serviceAccountToken)
  );
  if (!mounted) return ["--service-account=/none"];
  const { namespace, name } = pod.metadata;
  const account = pathOf(
    "ServiceAccount",
    namespace,
    pod.spec.serviceAccountName,
  );
  const request = { spec: { expirationSeconds: 600 } };
  const { body } = await api.send("POST", `${account}/token`, request);
  const path = join(folder, "tokens-of-pods", name);
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(join(path, "token"), body.status.token);
  await Deno.writeTextFile(join(path, "namespace"), namespace ?? "");
  await Deno.copyFile(ca, join(path, "ca.crt"));
  return [`--service-account=${path}`];
}

async function filesBelow(
  folder: string,
  below = "",
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    if (isDirectory) Object.assign(found, await filesBelow(folder, path));
    else found[path] = await Deno.readTextFile(join(folder, path));
  }
  return found;
}
