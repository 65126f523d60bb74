/**
 * Nodes as far as the chart can tell: a Node object and a folder that is its root
 * file system. Pods that the scheduler gives them are brought to life by one loop:
 * what `configure`, `zone`, `restore` and `wait` do really happens, by the command
 * that the chart gives, in the node's folder; `run` is only said to run.
 *
 * @module
 */

import { join } from "node:path/posix";
import type { Cluster } from "./cluster.ts";
import { type ClusterApi, pathOf } from "./cluster_api.ts";
import { type Image, makeImage } from "./container.ts";
import type { KubeObject } from "./helm.ts";
import { commandOf, mountsOf, variablesOf } from "./volumes.ts";

/** Where containers find the folder of `hosts.toml` files. */
const CERTS = "/etc/containerd/certs.d";

/** No pod listens, so all may have the same. */
const POD_IP = "10.244.0.1";

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
  /** What each wrote: `[configure on NODE, text]`. */
  readonly said: (readonly [ran: string, text: string])[];
  /** Where a pod has a volume of its own. */
  volume(pod: KubeObject, name: string): string;
  /** Containers that ended otherwise than well: `NAME: what it wrote`. */
  readonly failures: string[];
}

// deno-lint-ignore no-explicit-any -- a container as the API describes it
type Container = any;

/** Starts with no node. */
export async function startNodes(cluster: Cluster): Promise<Nodes> {
  const { api } = cluster;
  const image = await makeImage();
  const known = new Map<string, Promise<void>>();
  const addresses = new Map<string, string>();
  const lost = new Set<string>();
  const [ran, failures]: [string[], string[]] = [[], []];
  const said: (readonly [string, string])[] = [];
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
      const written = { ran, said, failures };
      const life = { cluster, image, ip, root: root(node), ...written };
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
    said,
    failures,
    volume: (pod, name) => join(podFolder(pod, cluster), name),
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
      await image[Symbol.asyncDispose]();
    },
  };
}

/** Where a pod lives, and where is written down what it does. */
interface Life {
  readonly cluster: Cluster;
  readonly image: Image;
  readonly ip: string;
  readonly root: string;
  readonly ran: string[];
  readonly said: (readonly [ran: string, text: string])[];
  readonly failures: string[];
}

/** What is a pod's own on its node. */
function podFolder({ metadata }: KubeObject, { folder }: Cluster): string {
  return join(folder, "pods", metadata.uid ?? "");
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
      podIP: POD_IP,
      podIPs: [{ ip: POD_IP }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

/** Runs what has an end, as the chart says; true when it ended well. */
async function runContainer(
  pod: KubeObject,
  container: Container,
  { cluster, image, ip, root, ran, said, failures }: Life,
): Promise<boolean> {
  const what = `${container.args?.[0]} on ${pod.spec.nodeName}`;
  ran.push(what);
  const { namespace, name } = pod.metadata;
  const variables = variablesOf(pod, container, { hostIP: ip, podIP: POD_IP });
  const { user, group } = whoOf(container);
  const { code, stderr } = await image.start({
    argv: commandOf(container, variables),
    env: {
      ...variables,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(cluster.port),
    },
    mounts: await mountsOf(pod, container, {
      nodeRoot: root,
      podFolder: podFolder(pod, cluster),
      token: () => tokenOf(pod, cluster.api),
      ca: cluster.ca,
      secret: async (name) => {
        const secret = await cluster.api.get("Secret", namespace ?? "", name);
        return Object.fromEntries(
          Object.entries<string>(secret?.data ?? {})
            .map(([key, text]) => [key, atob(text)]),
        );
      },
    }),
    user,
    group,
  }).output();
  const text = new TextDecoder().decode(stderr);
  said.push([what, text]);
  if (code === 0) return true;
  failures.push(`${name}: ${text}`);
  return false;
}

/** Who a container runs as. */
function whoOf({ securityContext }: Container): {
  user: number;
  group: number;
} {
  const { runAsUser, runAsGroup } = securityContext;
  return { user: runAsUser, group: runAsGroup };
}

/** A token of a pod's service account. */
async function tokenOf(pod: KubeObject, api: ClusterApi): Promise<string> {
  const { namespace } = pod.metadata;
  const { serviceAccountName } = pod.spec;
  const account = pathOf("ServiceAccount", namespace, serviceAccountName);
  const request = { spec: { expirationSeconds: 600 } };
  const { body } = await api.send("POST", `${account}/token`, request);
  return body.status.token;
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
