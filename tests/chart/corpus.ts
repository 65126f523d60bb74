/**
 * Values that the chart is rendered with: every switch the other way, and files
 * as they were written for versions of Spegel's chart.
 *
 * @module
 */

/** Values, and what they are. */
export interface Case {
  readonly name: string;
  readonly values: unknown;
}

/** The value at a path alone. */
function at(path: string, value: unknown): unknown {
  return path.split(".").reverse()
    .reduce((inner, key) => ({ [key]: inner }), value);
}

const TAINT = [{ operator: "Exists" }];
const RELABELING = [{ sourceLabels: ["pod"], targetLabel: "node" }];

/** One value changed in each. */
const CHANGED: readonly (readonly [path: string, value: unknown])[] = [
  ["image.digest", `sha256:${"a".repeat(64)}`],
  ["image.tag", "1.2.3"],
  ["image.pullPolicy", "Always"],
  ["imagePullSecrets", [{ name: "pull" }]],
  ["nameOverride", "mirror"],
  ["fullnameOverride", "mirror"],
  ["fullnameOverride", `${"long-".repeat(20)}name`],
  ["namespaceOverride", "elsewhere"],
  ["peili.logLevel", "debug"],
  ["peili.mirroredRegistries", ["https://docker.io", "http://10.0.0.1:5000"]],
  ["peili.mirroredRegistries", ["*"]],
  ["peili.additionalMirrorTargets", ["https://zot.example", "http://a:5000"]],
  ["peili.registryFilters", ["^docker\\.io/", ":[a-z]{1,3}$"]],
  ["peili.resolveTags", false],
  ["peili.resolveLatestTag", false],
  ["peili.upstream", { "docker.io": "https://mirror.example" }],
  ["peili.keepExisting", true],
  ["peili.fanOut", 4],
  ["peili.network", "blue"],
  ["peili.zone", "a"],
  ["peili.zoneFromNode", false],
  ["peili.containerdMirrorAdd", false],
  ["peili.containerdSock", "/run/k3s/containerd/containerd.sock"],
  ["peili.containerdNamespace", "default"],
  ["peili.containerdRegistryConfigPath", "/etc/cri/conf.d/hosts"],
  ["peili.containerdContentPath", "/data/content"],
  ["peili.persistence", { enabled: true }],
  ["peili.persistence", { enabled: true, hostPath: "/data/peili" }],
  ["secret.existingSecret", "mine"],
  ["cleanup.enabled", false],
  ["cleanup", { timeoutSeconds: 10, tolerations: TAINT }],
  ["serviceAccount", { name: "mine", annotations: { a: "b" } }],
  ["daemonsetAnnotations", { a: "b" }],
  ["podAnnotations", { a: "b" }],
  ["podSecurityContext", { seLinuxOptions: { type: "spc_t" } }],
  ["securityContext", { runAsUser: 1000, runAsGroup: 1000 }],
  ["revisionHistoryLimit", 0],
  ["updateStrategy", { rollingUpdate: { maxUnavailable: 1 } }],
  ["resources", { limits: { memory: "256Mi", cpu: "1" } }],
  ["nodeSelector", { pool: "gpu" }],
  ["tolerations", TAINT],
  ["tolerations", []],
  ["affinity", { podAntiAffinity: {} }],
  ["commonLabels", { team: "a" }],
  ["clusterDomain", "example.org."],
  ["priorityClassName", ""],
  ["livenessProbe.enabled", false],
  ["extraVolumes", [{ name: "more", emptyDir: {} }]],
  ["extraInitContainers", [{ name: "before", image: "busybox" }]],
  ["service.registry", { nodeIp: "10.0.0.1", port: 5555 }],
  ["service.registry", { nodePort: 30022, hostPort: 30023 }],
  ["service.registry.topologyAwareHintsEnabled", false],
  ["service.registry.annotations", { a: "b" }],
  ["service.registry.usePreferSameNodeTrafficDistribution", true],
  ["service.registry.internalTrafficLocal", true],
  ["service.peer.port", 6002],
  ["service.router.port", 6001],
  ["service.metrics", { port: 6090, annotations: { a: "b" } }],
  ["service.bootstrap.annotations", { a: "b" }],
  ["networkPolicy.enabled", false],
  ["networkPolicy", {
    mirrorFrom: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
    metricsFrom: [{ namespaceSelector: {} }],
  }],
  ...["serviceMonitor", "podMonitor"].map((name) =>
    [name, {
      enabled: true,
      labels: { release: "prometheus" },
      relabelings: RELABELING,
      metricRelabelings: RELABELING,
    }] as const
  ),
  ["verticalPodAutoscaler", {
    enabled: true,
    recommenders: [{ name: "mine" }],
    controlledResources: ["memory"],
    maxAllowed: { memory: "256Mi" },
    minAllowed: { memory: "64Mi" },
  }],
];

const REGISTRIES = ["https://docker.io", "https://ghcr.io", "https://quay.io"];

const EVERYWHERE = {
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "CriticalAddonsOnly", operator: "Exists" }],
  priorityClassName: "system-node-critical",
};

const PATHS = {
  containerdSock: "/run/containerd/containerd.sock",
  containerdNamespace: "k8s.io",
  containerdRegistryConfigPath: "/etc/containerd/certs.d",
};

const RESOLVE = { mirrorResolveRetries: 3, mirrorResolveTimeout: "20ms" };

/** Whole files of Spegel's chart, by the version that they were written for. */
export const SPEGEL: readonly Case[] = [
  {
    name: "Spegel 0.0.18",
    values: {
      image: { repository: "ghcr.io/xenitab/spegel", tag: "", digest: "" },
      ...EVERYWHERE,
      securityContext: {},
      resources: {},
      service: {
        registry: { port: 5000, nodePort: 30021, hostPort: 30020 },
        router: { port: 5001 },
        metrics: { port: 9090 },
      },
      spegel: {
        registries: REGISTRIES,
        additionalMirrorRegistries: ["https://zot.example"],
        ...RESOLVE,
        ...PATHS,
        containerdMirrorAdd: true,
        kubeconfigPath: "",
        resolveTags: true,
        resolveLatestTag: false,
      },
    },
  },
  {
    name: "Spegel 0.0.27",
    values: {
      image: { repository: "ghcr.io/spegel-org/spegel" },
      ...EVERYWHERE,
      revisionHistoryLimit: 10,
      grafanaDashboard: {
        enabled: true,
        sidecarLabel: "grafana_dashboard",
        sidecarLabelValue: "1",
        annotations: {},
      },
      spegel: {
        logLevel: "INFO",
        registries: REGISTRIES,
        additionalMirrorRegistries: [],
        ...RESOLVE,
        ...PATHS,
        containerdContentPath: "",
        blobSpeed: "",
        kubeconfigPath: "",
        resolveTags: true,
        resolveLatestTag: true,
        appendMirrors: true,
        visualize: { enabled: true },
      },
    },
  },
  {
    name: "Spegel 0.4.0",
    values: {
      image: { repository: "ghcr.io/spegel-org/spegel" },
      ...EVERYWHERE,
      basicAuthSecretName: "",
      livenessProbe: { enabled: false },
      securityContext: { readOnlyRootFilesystem: true },
      service: { cleanup: { port: 8080, annotations: {} } },
      spegel: {
        mirroredRegistries: [],
        additionalMirrorTargets: ["https://zot.example"],
        ...RESOLVE,
        registryFilters: ["^registry\\.example/"],
        resolveLatestTag: true,
        prependExisting: true,
        debugWebEnabled: true,
      },
    },
  },
  {
    name: "Spegel 0.7.4",
    values: {
      image: { repository: "ghcr.io/spegel-org/spegel" },
      ...EVERYWHERE,
      daemonsetAnnotations: {},
      clusterDomain: "cluster.local.",
      resources: { requests: { memory: "128Mi" }, limits: { memory: "128Mi" } },
      service: {
        registry: {
          topologyAwareHintsEnabled: true,
          usePreferSameNodeTrafficDistribution: true,
        },
        bootstrap: { annotations: {} },
      },
      grafanaDashboard: {
        enabled: false,
        mode: "Sidecar",
        grafanaOperator: { matchLabels: {}, resyncPeriod: "10m" },
      },
      spegel: {
        logLevel: "DEBUG",
        persistence: {
          enabled: true,
          path: "/var/lib/spegel",
          hostPath: "/var/lib/spegel",
        },
        ...PATHS,
        prependExisting: false,
      },
      extraVolumes: [],
      extraInitContainers: [],
      kvick: { nodeReadiness: { enabled: true } },
    },
  },
  {
    name: "Spegel after 0.7.4",
    values: {
      service: { registry: { nodePort: 30020, internalTrafficLocal: true } },
      networkPolicy: { enabled: false },
      spegel: { containerdMirrorAdd: false },
    },
  },
];

/** All. */
export const CORPUS: readonly Case[] = [
  { name: "no values", values: {} },
  ...CHANGED.map(([path, value]) => ({
    name: `${path}: ${JSON.stringify(value).slice(0, 60)}`,
    values: at(path, value),
  })),
  ...SPEGEL,
];
