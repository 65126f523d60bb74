/** The config.toml of one node's containerd, for either of its two formats. @module */
import type { ContainerdVersion } from "./versions.ts";

/** What a lab may ask of its containerds. */
export interface ContainerdSettings {
  /** Throw a layer's content away once it is unpacked, as EKS and Kind do. */
  discardUnpackedLayers?: boolean;
  /** containerd 2.x only: fetch layers in parallel ranges of this many bytes. */
  concurrentLayerFetchBuffer?: number;
  /**
   * How `config_path` names the node's hosts: alone, in a list, or not at all;
   * "imports" is a list, in a file that imports a folder.
   *
   * @default {"single"}
   */
  hostsSetting?: "single" | "list" | "unset" | "imports";
  /** The image that holds a pod's namespaces; without one, no pod runs. */
  sandboxImage?: string;
  /** @default {"info"} */
  logLevel?: "debug" | "info";
  /**
   * Whether a node's containerd finds its files at the paths that it has by
   * itself, in mounts that nobody else has, and its pods a network of their own.
   *
   * @default {false}
   */
  usualPaths?: boolean;
}

/** Where containerd has its files, as it sees them itself. */
export interface ContainerdPaths {
  readonly root: string;
  /** With its socket. */
  readonly state: string;
  readonly hosts: string;
}

/** The paths that it has by itself, and Debian's package. */
export const USUAL_PATHS: ContainerdPaths = {
  root: "/var/lib/containerd",
  state: "/run/containerd",
  hosts: "/etc/containerd/certs.d",
};

/** Where Debian's package has the programs that make pods' networks. */
const CNI_PROGRAMS = "/usr/lib/cni";

/** The same, where a lab has them: each node below a folder of its own. */
export function pathsBelow(folder: string): ContainerdPaths {
  return {
    root: `${folder}/root`,
    state: `${folder}/run`,
    hosts: `${folder}/hosts`,
  };
}

/** Where this node's containerd has its files. */
function pathsOf(
  folder: string,
  { usualPaths = false }: ContainerdSettings,
): ContainerdPaths {
  return usualPaths ? USUAL_PATHS : pathsBelow(folder);
}

/** Root, state and sockets. */
function commonPart(folder: string, settings: ContainerdSettings): string {
  const { root, state } = pathsOf(folder, settings);
  return `root = "${root}"
state = "${state}"
[grpc]
  address = "${state}/containerd.sock"
[ttrpc]
  address = "${state}/containerd.sock.ttrpc"
[debug]
  address = "${state}/debug.sock"
  level = "${settings.logLevel ?? "info"}"
`;
}

/** The line, or none. */
function hostsLine(
  folder: string,
  settings: ContainerdSettings,
): string {
  const { hostsSetting = "single" } = settings;
  if (hostsSetting === "unset") return "";
  const more = hostsSetting === "single" ? "" : `:${folder}/no-hosts`;
  const { hosts } = pathsOf(folder, settings);
  return `config_path = "${hosts}${more}" # of the lab`;
}

/** containerd 1.x. */
function version2(folder: string, settings: ContainerdSettings): string {
  return `version = 2
disabled_plugins = ["io.containerd.nri.v1.nri"]
${commonPart(folder, settings)}
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  max_concurrent_downloads = 3
  sandbox_image = "${settings.sandboxImage ?? ""}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    discard_unpacked_layers = ${settings.discardUnpackedLayers === true}
  [plugins."io.containerd.grpc.v1.cri".registry]
    ${hostsLine(folder, settings)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "${folder}/cni"
    bin_dir = "${CNI_PROGRAMS}"
`;
}

/** containerd 2.x. */
function version3(folder: string, settings: ContainerdSettings): string {
  const { concurrentLayerFetchBuffer: bytes } = settings;
  // CRI pulls through the transfer plugin, and 2.1 heeds only its setting.
  const buffer = bytes === undefined
    ? ""
    : `concurrent_layer_fetch_buffer = ${bytes}`;
  const imports = settings.hostsSetting === "imports"
    ? `imports = ["${folder}/conf.d/*.toml"]\n`
    : "";
  return `version = 3
${imports}${commonPart(folder, settings)}
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  max_concurrent_downloads = 3
  discard_unpacked_layers = ${settings.discardUnpackedLayers === true}
  ${buffer}
  [plugins.'io.containerd.cri.v1.images'.registry]
    ${hostsLine(folder, settings)}
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "${settings.sandboxImage ?? ""}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.transfer.v1.local']
  ${buffer}
  config_path = "${pathsOf(folder, settings).hosts}"
[plugins.'io.containerd.internal.v1.opt']
  path = "${folder}/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  conf_dir = "${folder}/cni"
  bin_dir = "${CNI_PROGRAMS}"
`;
}

/** The whole file for a node whose files are below `folder`. */
export function containerdConfig(
  version: ContainerdVersion,
  folder: string,
  settings: ContainerdSettings = {},
): string {
  const write = version.startsWith("1.") ? version2 : version3;
  return write(folder, settings);
}
