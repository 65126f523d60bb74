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
}

/** Root, state and sockets below the node's folder; `run` is as /run/containerd. */
function commonPart(folder: string, settings: ContainerdSettings): string {
  return `root = "${folder}/root"
state = "${folder}/run"
[grpc]
  address = "${folder}/run/containerd.sock"
[ttrpc]
  address = "${folder}/run/containerd.sock.ttrpc"
[debug]
  address = "${folder}/run/debug.sock"
  level = "${settings.logLevel ?? "info"}"
`;
}

/** The line, or none. */
function hostsLine(
  folder: string,
  { hostsSetting = "single" }: ContainerdSettings,
): string {
  if (hostsSetting === "unset") return "";
  const more = hostsSetting === "single" ? "" : `:${folder}/no-hosts`;
  return `config_path = "${folder}/hosts${more}" # of the lab`;
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
  config_path = "${folder}/hosts"
[plugins.'io.containerd.internal.v1.opt']
  path = "${folder}/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  conf_dir = "${folder}/cni"
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
