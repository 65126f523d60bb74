/** Pods as Kubernetes describes them, on nodes of the lab. @module */
import { groupOf, Pod } from "./pod.ts";
import {
  checkPod,
  containerOf,
  type PodDns,
  type PodPlace,
  type PodTemplate,
  sandboxOf,
} from "./pod_spec.ts";
import type { Node } from "./node.ts";
import { makeVolumes, type Secrets } from "./pod_volumes.ts";
import { waitFor } from "./wait.ts";

/** What a cluster has for its pods. */
export interface PodWorld {
  readonly namespace: string;
  readonly dns: PodDns;
  readonly secrets: Secrets;
}

/** The probes of a container. */
export type ProbeName = "startupProbe" | "readinessProbe" | "livenessProbe";

/** A container as Kubernetes describes it. */
interface Named {
  readonly name: string;
}

/** A pod that has its place. Disposing of it stops and removes it. */
export interface KubePod extends AsyncDisposable {
  readonly pod: Pod;
  readonly ip: string;
  /** Runs init containers in order, each to its end, and starts the others. */
  start(): Promise<void>;
  /** Runs one more container to its end, as an init container. */
  runToEnd(container: Named): Promise<void>;
  /** Asks a probe of a container once: whether it was answered well. */
  probe(container: string, name: ProbeName): Promise<boolean>;
  /** Asks until it is answered well, as long as the probe itself allows. */
  awaitProbe(container: string, name: ProbeName): Promise<void>;
}

/** Kubernetes' own, where a probe says nothing. */
const PROBE = { timeoutSeconds: 1, periodSeconds: 10, failureThreshold: 3 };

/** Gives a pod its place on a node; nothing of it runs yet. */
export async function placePod(
  node: Node,
  template: PodTemplate,
  { name, world }: { name: string; world: PodWorld },
): Promise<KubePod> {
  checkPod(template);
  const { namespace, dns, secrets } = world;
  const { labels = {} } = template.metadata;
  const place: PodPlace = {
    namespace,
    nodeName: node.name,
    hostIp: node.ip,
    podIp: "",
    labels,
  };
  const folders = await makeVolumes(node, template, { secrets, place });
  const config = {
    name,
    namespace,
    dns,
    logs: node.path,
    group: groupOf(node),
  };
  const pod = await Pod.start(node, sandboxOf(template, config));
  const ip = await pod.ip();
  const { initContainers = [], containers } = template.spec;
  const translated = (container: Named) =>
    containerOf(template, container, {
      place: { ...place, podIp: ip },
      folders,
    });
  const probeOf = (container: string, probe: ProbeName) =>
    probeIn(containers.find(({ name }: Named) => name === container), probe);
  const probe = async (container: string, name: ProbeName) => {
    const { path, port, timeoutSeconds } = probeOf(container, name);
    const url = `http://${ip}:${port}${path}`;
    const limit = ["--max-time", String(timeoutSeconds)];
    const status = await node.httpStatus(url, ...limit);
    return status >= 200 && status < 400;
  };
  return {
    pod,
    ip,
    probe,
    runToEnd: (container) => pod.init(translated(container)),
    async start() {
      for (const container of initContainers) {
        await pod.init(translated(container));
      }
      for (const container of containers) await pod.run(translated(container));
    },
    async awaitProbe(container, name) {
      const { periodSeconds, failureThreshold } = probeOf(container, name);
      const what = `${node.name}'s ${container} to pass its ${name}`;
      await waitFor(what, () => probe(container, name), {
        budgetMs: 1000 * periodSeconds * failureThreshold,
        log: pod.logOf(container),
      });
    },
    [Symbol.asyncDispose]: () => pod[Symbol.asyncDispose](),
  };
}

/** A probe in numbers. */
interface Probe {
  readonly path: string;
  readonly port: number;
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

// deno-lint-ignore no-explicit-any -- a container as Kubernetes describes it
function probeIn(container: any, name: ProbeName): Probe {
  const { httpGet, ...rest } = container?.[name] ?? {};
  const port = container?.ports
    ?.find((port: Named) => port.name === httpGet?.port)?.containerPort;
  if (!port) throw new TypeError(`Cannot ask ${container?.name}'s ${name}`);
  return { ...PROBE, ...rest, path: httpGet.path, port };
}
