/**
 * Where the flavours of Kubernetes keep what Peili needs of containerd, how a
 * node tells which one it is, and what is known to go wrong there.
 * `docs/compatibility.md` is made from this table.
 * @module
 */

/** Where one containerd has what Peili reads and writes. */
export interface ContainerdPaths {
  /** containerd's socket. */
  readonly socket: string;
  /** containerd's own configuration. */
  readonly config: string;
  /** The folder with `hosts.toml` files that its `config_path` should name. */
  readonly hosts: string;
  /** The content folder, which holds `blobs/` and `ingest/`. */
  readonly content: string;
}

/** How `config_path` comes out of the box. `list`: several folders, with colons. */
export type HostsSetting = "set" | "list" | "unset" | "depends";

/** One flavour. */
export interface Flavour extends ContainerdPaths {
  /** As people call it; also for a report. */
  readonly name: string;
  /** Files or folders of which at least one is there on such a node only. */
  readonly marks: readonly string[];
  /** Whether `config_path` is set, out of the box. */
  readonly hostsSetting: HostsSetting;
  /** Whether layers are thrown away once unpacked, out of the box. */
  readonly discardsLayers: boolean;
  /** How containerd's own configuration is changed so that it stays changed. */
  readonly change: string;
  /** What is known to go wrong, one sentence each. */
  readonly traps: readonly string[];
}

/** Where containerd has everything unless it is told otherwise. */
export const DEFAULT_PATHS: ContainerdPaths = {
  socket: "/run/containerd/containerd.sock",
  config: "/etc/containerd/config.toml",
  hosts: "/etc/containerd/certs.d",
  content: "/var/lib/containerd/io.containerd.content.v1.content",
};

/** Those that Rancher's two put below one folder. */
function rancherPaths(name: "k3s" | "rke2"): ContainerdPaths {
  const agent = `/var/lib/rancher/${name}/agent`;
  return {
    // RKE2 runs k3s's containerd at k3s's place.
    socket: "/run/k3s/containerd/containerd.sock",
    config: `${agent}/etc/containerd/config.toml`,
    hosts: `${agent}/etc/containerd/certs.d`,
    content: `${agent}/containerd/io.containerd.content.v1.content`,
  };
}

const RANCHER = {
  hostsSetting: "set",
  discardsLayers: false,
  traps: [
    "config.toml is written anew at every start.",
    "The folder of every registry that registries.yaml names is deleted and written anew at every start: run configure after it.",
    "With --embedded-registry it has a mirror of its own, and images are shared twice.",
  ],
} as const;

/**
 * Those that are built from others come first: a node of Kind has all that
 * kubeadm leaves.
 */
export const FLAVOURS: readonly Flavour[] = [
  {
    ...DEFAULT_PATHS,
    name: "Kind",
    marks: ["/kind/version"],
    hostsSetting: "depends",
    discardsLayers: true,
    change: "containerdConfigPatches of the cluster's configuration",
    traps: [
      "Layers are thrown away once unpacked; set discard_unpacked_layers = false to share them for longer.",
      "config_path is not set: containerd 2.2 and later then has a list of two folders, which works only while layers are thrown away. Set a single path.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "minikube",
    marks: ["/var/lib/minikube"],
    hostsSetting: "set",
    discardsLayers: true,
    change: "/etc/containerd/config.toml in the node",
    traps: [
      "docker.io/hosts.toml is there from the start and hides _default.",
      "Layers are thrown away once unpacked; set discard_unpacked_layers = false to share them for longer.",
      "The container runtime must be containerd (--container-runtime=containerd).",
    ],
  },
  {
    ...RANCHER,
    ...rancherPaths("k3s"),
    name: "k3s",
    marks: ["/var/lib/rancher/k3s/agent"],
    change:
      "config-v3.toml.tmpl (config.toml.tmpl for containerd 1.7) beside config.toml",
  },
  {
    ...RANCHER,
    ...rancherPaths("rke2"),
    name: "RKE2",
    marks: ["/var/lib/rancher/rke2/agent"],
    change:
      "config-v3.toml.tmpl (config.toml.tmpl for containerd 1.7) beside config.toml",
  },
  {
    name: "k0s",
    socket: "/run/k0s/containerd.sock",
    config: "/etc/k0s/containerd.toml",
    hosts: "/etc/k0s/containerd.d/certs.d",
    content: "/var/lib/k0s/containerd/io.containerd.content.v1.content",
    marks: ["/var/lib/k0s", "/run/k0s/containerd.sock"],
    hostsSetting: "unset",
    discardsLayers: false,
    change:
      "a file in /etc/k0s/containerd.d, which k0s imports and reloads by itself",
    traps: [
      "Files in containerd.d count only while containerd.toml begins with # k0s_managed=true.",
      "From k0s 1.36 on, a file in containerd.d that says version = 2 or io.containerd.grpc.v1.cri stops k0s.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "Talos",
    config: "/etc/cri/containerd.toml",
    hosts: "/etc/cri/conf.d/hosts",
    marks: ["/etc/cri/containerd.toml"],
    hostsSetting: "set",
    discardsLayers: true,
    change: "machine.files with /etc/cri/conf.d/20-customization.part",
    traps: [
      "Layers are thrown away once unpacked; set discard_unpacked_layers = false to share them for longer.",
      "The folder of every registry that machine.registries names is written by Talos.",
      "The pod's namespace needs pod-security.kubernetes.io/enforce: privileged.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "Bottlerocket",
    marks: ["/var/lib/bottlerocket", "/run/api.sock"],
    hostsSetting: "depends",
    discardsLayers: false,
    change: "the settings API: config.toml is generated at every boot",
    traps: [
      "Older versions have no config_path but registry.mirrors, and containerd refuses both at once.",
      "/etc is made anew at every boot: configure must run at every boot.",
      "/run/host-containerd has another containerd, which pulls no pod's images.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "EKS",
    marks: ["/etc/eks"],
    hostsSetting: "list",
    discardsLayers: true,
    change:
      "spec.containerd.config of the NodeConfig in the user data (AL2023)",
    traps: [
      "config_path is a list of two folders, which the transfer service of containerd 2.1 and later takes for one: nothing is read. It works only while discard_unpacked_layers = true makes containerd pull without that service. Set a single path.",
      "Layers are thrown away once unpacked; set discard_unpacked_layers = false, and a single path with it, to share them for longer.",
      "With FastImagePull the soci snapshotter fetches layers by its own configuration, which hosts.toml is no part of, and throws them away.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "AKS",
    marks: ["/etc/kubernetes/azure.json"],
    hostsSetting: "set",
    discardsLayers: false,
    change:
      "/etc/containerd/config.toml in the node, written anew with every new node",
    traps: [
      "A cluster without internet has mcr.microsoft.com/hosts.toml, which hides _default.",
      "containerd's root may be on a data disk: root in config.toml tells where content is.",
      "Artifact streaming uses the overlaybd snapshotter, which leaves no whole layers to share.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "GKE",
    hosts: "/etc/containerd/hosts.d",
    marks: ["/etc/srv/kubernetes/pki"],
    hostsSetting: "depends",
    discardsLayers: false,
    change:
      "a runtime configuration file of the node pool (registryHosts, which also sets config_path)",
    traps: [
      "config_path is set only where the node pool has registry hosts; without it no hosts.toml is read.",
      "Autopilot lets no pod write to the node: give registryHosts the mirror yourself.",
      "With image streaming there are no whole layers to share.",
    ],
  },
  {
    ...DEFAULT_PATHS,
    name: "kubeadm",
    marks: [
      "/var/lib/kubelet/kubeadm-flags.env",
      "/etc/kubernetes/kubelet.conf",
    ],
    hostsSetting: "depends",
    discardsLayers: false,
    change:
      "configure --containerd-config --apply, then a restart of containerd",
    traps: [
      "config_path is empty before containerd 2.2, and a list of two folders since, which hosts.toml files are not read from. Set a single path.",
      "The package of Docker turns the CRI plugin off in config.toml.",
    ],
  },
];

/**
 * Tells a node's flavour by what is on its disk.
 *
 * @param exists whether there is a file or folder at an absolute path. Where
 * the node's disk is mounted elsewhere, it looks there.
 * @returns null when nothing tells.
 */
export async function flavourOf(
  exists: (path: string) => Promise<boolean>,
): Promise<Flavour | null> {
  for (const flavour of FLAVOURS) {
    for (const mark of flavour.marks) if (await exists(mark)) return flavour;
  }
  return null;
}

/**
 * The options that a flavour needs because its paths are not the usual ones,
 * such as `--containerd-sock /run/k0s/containerd.sock`.
 */
export function flavourOptions(paths: ContainerdPaths): string[] {
  return FLAGS.filter(([name]) => paths[name] !== DEFAULT_PATHS[name])
    .map(([name, flag]) => `${flag} ${paths[name]}`);
}

const FLAGS: readonly (readonly [keyof ContainerdPaths, string])[] = [
  ["socket", "--containerd-sock"],
  ["hosts", "--containerd-registry-config-path"],
  ["content", "--containerd-content-path"],
  ["config", "--containerd-config"],
];
