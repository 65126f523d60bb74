/**
 * A pod as Kubernetes describes it, said as a kubelet says it to containerd: pure
 * translation. What it has no words for is an error, lest a test should pass
 * without it.
 *
 * @module
 */
import type { Message } from "./cri.ts";

/** An object of Kubernetes, or a part of one. */
// deno-lint-ignore no-explicit-any -- it has the shape that Kubernetes gives it
type Part = any;

/** What a DaemonSet makes its pods of. */
export interface PodTemplate {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Part;
}

/** What is known of a pod only once it has a place; before, it has no address. */
export interface PodPlace {
  readonly namespace: string;
  readonly nodeName: string;
  readonly hostIp: string;
  readonly podIp: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Names of the cluster's DNS server, and what else a resolv.conf says. */
export interface PodDns {
  readonly server: string;
  /** Where the cluster's own names end. */
  readonly domain: string;
}

/** Of CRI's enumerations. */
const OWN = 1;
const RUNTIME_DEFAULT = 0;
const PROPAGATION: Readonly<Record<string, number>> = {
  None: 0,
  HostToContainer: 1,
  Bidirectional: 2,
};

/** What kubelet gives to a pod that is node-critical. */
const NODE_CRITICAL_OOM_SCORE = -997;

/** Where pods are told that the API is; in the lab nobody answers there. */
const API = {
  ["KUBERNETES_SERVICE_HOST"]: "127.0.0.1",
  ["KUBERNETES_SERVICE_PORT"]: "443",
};

/** Checks that a part has nothing but what is said of it. */
function only(what: string, part: Part, ...keys: string[]): void {
  const more = Object.keys(part).filter((key) => !keys.includes(key));
  if (more.length === 0) return;
  throw new TypeError(`Cannot run a pod: ${what} has ${more.join(", ")}`);
}

/**
 * Checks that a pod's parts are such as are translated here, or such as the
 * scheduler and the API server have dealt with.
 */
export function checkPod({ spec }: PodTemplate): void {
  only(
    "spec",
    spec,
    ...["containers", "initContainers", "volumes", "securityContext"],
    ...["serviceAccountName", "automountServiceAccountToken"],
    ...["enableServiceLinks", "priorityClassName", "nodeSelector"],
    ...["tolerations", "affinity", "imagePullSecrets"],
    ...["terminationGracePeriodSeconds", "restartPolicy"],
  );
  only("securityContext", spec.securityContext ?? {}, "seccompProfile");
}

/** What the downward API says of a pod. */
export function fieldOf(path: string, place: PodPlace): string {
  const [, label] = /^metadata\.labels\['(.+)'\]$/.exec(path) ?? [];
  if (label) return place.labels[label] ?? "";
  const known: Readonly<Record<string, string>> = {
    "metadata.namespace": place.namespace,
    "spec.nodeName": place.nodeName,
    "status.hostIP": place.hostIp,
    "status.podIP": place.podIp,
  };
  const value = known[path];
  if (value === undefined) throw new TypeError(`Cannot say ${path} of a pod`);
  return value;
}

/** A container's variables, those of the downward API filled in. */
export function variablesOf(
  container: Part,
  place: PodPlace,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    found[name] = valueFrom
      ? fieldOf(valueFrom.fieldRef?.fieldPath, place)
      : expand(value, found);
  }
  return found;
}

/** Fills in $(NAME). What is not known stays as it is, and $$ is one $. */
export function expand(
  text: string,
  variables: Readonly<Record<string, string>>,
): string {
  return text.replace(
    /\$\$|\$\((\w+)\)/g,
    (all, name) => all === "$$" ? "$" : variables[name] ?? all,
  );
}

/** The sandbox of a pod, as CRI's PodSandboxConfig. */
export function sandboxOf(
  { spec }: PodTemplate,
  { name, namespace, logs, group, dns }: {
    name: string;
    namespace: string;
    /** The folder for what its containers print. */
    logs: string;
    /** Its control group. */
    group: string;
    dns: PodDns;
  },
): Message {
  const ports = [...spec.initContainers ?? [], ...spec.containers]
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined);
  const { domain } = dns;
  return {
    metadata: { name, uid: crypto.randomUUID(), namespace, attempt: 0 },
    hostname: name,
    logDirectory: logs,
    dnsConfig: {
      servers: [dns.server],
      searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain],
      options: ["ndots:5"],
    },
    portMappings: ports.map(({ containerPort, hostPort, protocol }) => {
      if (protocol !== "TCP") throw new TypeError(`Cannot map ${protocol}`);
      return { protocol: 0, containerPort, hostPort };
    }),
    linux: {
      cgroupParent: group,
      securityContext: {
        namespaceOptions: { pid: OWN },
        seccomp: seccompOf(spec.securityContext ?? {}),
      },
    },
  };
}

/**
 * A container of a pod, as CRI's ContainerConfig.
 *
 * @param folders What the pod's volumes are on the node, by their names
 */
export function containerOf(
  { spec }: PodTemplate,
  container: Part,
  { place, folders }: {
    place: PodPlace;
    folders: Readonly<Record<string, string>>;
  },
): Message {
  only(
    container.name,
    container,
    ...["name", "image", "imagePullPolicy", "command", "args", "env", "ports"],
    ...["resources", "securityContext", "volumeMounts"],
    ...["startupProbe", "readinessProbe", "livenessProbe"],
  );
  const { name, image, command = [], args = [] } = container;
  const variables = { ...API, ...variablesOf(container, place) };
  const filled = (words: string[]) =>
    words.map((word) => expand(word, variables));
  return {
    metadata: { name, attempt: 0 },
    image: { image },
    command: filled(command),
    args: filled(args),
    envs: Object.entries(variables).map(([key, value]) => ({ key, value })),
    mounts: (container.volumeMounts ?? []).map((mount: Part) =>
      mountOf(mount, folders)
    ),
    logPath: `${name}.log`,
    linux: {
      resources: resourcesOf(spec, container),
      securityContext: securityOf(spec, container),
    },
  };
}

function mountOf(mount: Part, folders: Readonly<Record<string, string>>) {
  only("volumeMounts", mount, ...[
    ...["name", "mountPath", "readOnly", "mountPropagation"],
  ]);
  const hostPath = folders[mount.name];
  if (hostPath === undefined) {
    throw new TypeError(`Cannot mount ${mount.name}: no such volume`);
  }
  return {
    hostPath,
    containerPath: mount.mountPath,
    readonly: mount.readOnly ?? false,
    propagation: PROPAGATION[mount.mountPropagation ?? "None"],
  };
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  Ki: 1 << 10,
  Mi: 1 << 20,
  Gi: 1 << 30,
};

/** A quantity of memory in bytes. */
export function bytesOfQuantity(quantity: string): number {
  const [, count, unit = ""] = /^(\d+)(\w*)$/.exec(quantity) ?? [];
  const bytes = Number(count) * (UNITS[unit] ?? NaN);
  if (Number.isNaN(bytes)) throw new TypeError(`Cannot read ${quantity}`);
  return bytes;
}

function resourcesOf(spec: Part, { resources = {} }: Part): Message {
  const { limits = {}, requests = {} } = resources;
  only("limits", limits, "memory");
  only("requests", requests, "memory");
  const critical = spec.priorityClassName === "system-node-critical";
  return {
    ...(limits.memory && {
      memoryLimitInBytes: bytesOfQuantity(limits.memory),
    }),
    ...(critical && { oomScoreAdj: NODE_CRITICAL_OOM_SCORE }),
  };
}

function seccompOf({ seccompProfile }: Part): Message {
  if (seccompProfile?.type !== "RuntimeDefault") {
    throw new TypeError("Cannot run a pod: seccompProfile is another");
  }
  return { profileType: RUNTIME_DEFAULT };
}

function securityOf(spec: Part, { name, securityContext = {} }: Part): Message {
  only(`${name}'s securityContext`, securityContext, ...[
    ...["allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"],
    ...["runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"],
  ]);
  const {
    allowPrivilegeEscalation = true,
    capabilities = {},
    readOnlyRootFilesystem = false,
    runAsUser,
    runAsGroup,
    runAsNonRoot = false,
  } = securityContext;
  if (runAsNonRoot && !(runAsUser > 0)) {
    throw new Error(`Cannot run ${name}: it would be root`);
  }
  return {
    capabilities: {
      addCapabilities: capabilities.add ?? [],
      dropCapabilities: capabilities.drop ?? [],
    },
    namespaceOptions: { pid: OWN },
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    seccomp: seccompOf({ ...spec.securityContext, ...securityContext }),
    readonlyRootfs: readOnlyRootFilesystem,
    noNewPrivs: !allowPrivilegeEscalation,
  };
}
