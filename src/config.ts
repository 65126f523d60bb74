/**
 * Every option in one table: flag, environment variable, default, help. What is
 * read, checked and printed by `--help` all comes from these rows.
 *
 * @module
 */

import type { Argument, Option } from "commander";
import type { ListenAddress } from "./listen.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import type { StoreChoice } from "./node.ts";
import type { WantedImage } from "./pull/image_name.ts";
import { ownPlatform, type WantedPlatform } from "./pull/platform.ts";
import { type OptionRow, SWITCH, toArgument, toOption } from "./option_row.ts";
import {
  absolutePath,
  ALL_REGISTRIES,
  bootstrapUrl,
  deployment,
  domainName,
  ipAddress,
  layoutPath,
  listenAddress,
  listOf,
  mirrorTarget,
  mirrorTargets,
  mirrorUrl,
  multiaddr,
  networkName,
  notEmpty,
  oneOf,
  peerAddress,
  regex,
  registryUrl,
  seconds,
  storeChoice,
  streams,
  upstreamOf,
  wantedImage,
  wantedPlatform,
  yesOrNo,
  zoneName,
} from "./option_text.ts";

/** The values of all options. A command gets those of its own rows. */
export interface Config {
  readonly additionalMirrorTargets: readonly string[];
  readonly apply: boolean;
  /** "": that whose option is given. */
  readonly bootstrapKind: typeof KINDS[number] | "";
  /** null: not named. */
  readonly containerdConfig: string | null;
  readonly containerdContentPath: string;
  readonly containerdNamespace: string;
  readonly containerdRegistryConfigPath: string;
  readonly containerdSock: string;
  readonly daemonSet: string;
  readonly dataDir: string;
  readonly deployment: string;
  readonly dnsBootstrapDomain: string;
  readonly dryRun: boolean;
  readonly fanOut: number;
  readonly json: boolean;
  readonly image: WantedImage;
  /** "": not named. */
  readonly httpBootstrapAddr: ListenAddress | "";
  readonly httpBootstrapPeer: string;
  readonly keepExisting: boolean;
  readonly lenient: boolean;
  readonly kubeletConfig: string;
  readonly logLevel: LogLevel;
  readonly loopback: boolean;
  readonly metricsAddr: ListenAddress;
  readonly mirror: string;
  readonly mirrorAddr: ListenAddress;
  readonly mirroredRegistries: readonly string[];
  readonly mirrorTargets: readonly string[];
  readonly node: string;
  readonly nodeIp: readonly string[];
  readonly network: string;
  readonly peerAddr: ListenAddress;
  readonly peerIp: string;
  readonly platform: WantedPlatform;
  readonly print: boolean;
  readonly registryFilters: readonly RegExp[];
  readonly resolveLatestTag: boolean;
  readonly resolveTags: boolean;
  readonly routerAddr: ListenAddress;
  readonly secretFile: string;
  readonly serviceAccount: string;
  readonly staticBootstrapPeers: readonly string[];
  readonly staticPeers: readonly string[];
  readonly stay: boolean;
  readonly strict: boolean;
  readonly trial: boolean;
  readonly store: StoreChoice;
  /** Seconds. */
  readonly timeout: number;
  readonly to: string;
  readonly upstream: ReadonlyMap<string, string>;
  readonly zone: string;
  readonly zoneFile: string;
}

const KINDS = ["static-peers", "dns", "http", "static"] as const;

const ROWS: { readonly [K in keyof Config]: OptionRow<Config[K]> } = {
  bootstrapKind: {
    flags: "--bootstrap-kind <kind>",
    help:
      "how nodes find each other: dns, http and static find some, and through them all; static-peers is a list of all, for a handful; none: the kind whose option is given",
    default: "",
    read: (text) => text === "" ? "" : oneOf(KINDS)(text),
  },
  staticPeers: {
    flags: "--static-peers <host:port,...>",
    help: "peer listeners of all nodes, the same list on each, itself included",
    default: "",
    read: listOf(peerAddress),
  },
  store: {
    flags: "--store <containerd|layout:path>",
    help:
      "where this node's content is: containerd, or layout:/path, an OCI image layout folder (then nothing asks containerd)",
    default: "containerd",
    read: storeChoice,
  },
  dnsBootstrapDomain: {
    flags: "--dns-bootstrap-domain <name>",
    help:
      "kind dns: every address of this name is a node, such as a headless Service's; end it with a dot, else search domains are tried first",
    default: "",
    read: (text) => text === "" ? "" : domainName(text),
  },
  httpBootstrapAddr: {
    flags: "--http-bootstrap-addr <host:port>",
    help: "kind http: where this node says who it is, at /id; none: :5003",
    default: "",
    read: (text) => text === "" ? "" : listenAddress(text),
  },
  httpBootstrapPeer: {
    flags: "--http-bootstrap-peer <url>",
    help:
      "kind http: the node, or the Service, that is asked at /id, as http://10.0.0.1:5003",
    default: "",
    read: (text) => text === "" ? "" : bootstrapUrl(text),
  },
  staticBootstrapPeers: {
    flags: "--static-bootstrap-peers <multiaddr,...>",
    help:
      "kind static: routers of some nodes, as /ip4/10.0.0.1/tcp/5001 or /dns/NAME/tcp/5001, with or without /p2p/ID",
    default: "",
    read: listOf(multiaddr),
  },
  peerIp: {
    flags: "--peer-ip <ip>",
    help:
      "IP under which other nodes reach this one (in a pod, status.podIP); none: as they see it, which they tell",
    default: "",
    read: (text) => text === "" ? "" : ipAddress(text),
  },
  zone: {
    flags: "--zone <name>",
    help: "where this node is: peers of its own zone are asked first",
    default: "",
    read: zoneName,
  },
  zoneFile: {
    flags: "--zone-file <path>",
    help: "file to which zone writes the zone, for a run that has no --zone",
    default: "",
    read: (text) => text === "" ? "" : absolutePath(text),
  },
  network: {
    flags: "--network <name>",
    help:
      "name of the deployment: nodes with another one are strangers, even with the same secret",
    default: "peili",
    read: networkName,
  },
  secretFile: {
    flags: "--secret-file <path>",
    help:
      "file with the deployment's secret, any text, read at start; without one, whoever reaches the peer listener is answered. Several lines are several secrets: the first is used, all are accepted, so that it can be changed node by node (add the new one below, then move it up, then remove the old one). The router's swarm takes the first line only: while that differs, nodes find only those with the same one",
    default: "",
    read: (text) => text === "" ? "" : absolutePath(text),
  },
  containerdSock: {
    flags: "--containerd-sock <path>",
    help: "containerd's socket",
    default: "/run/containerd/containerd.sock",
    read: absolutePath,
  },
  containerdNamespace: {
    flags: "--containerd-namespace <name>",
    help: "containerd namespace whose content is shared, and no other",
    default: "k8s.io",
    read: notEmpty,
  },
  containerdContentPath: {
    flags: "--containerd-content-path <path>",
    help: "containerd's content folder, which holds blobs/ and ingest/",
    default: "/var/lib/containerd/io.containerd.content.v1.content",
    read: absolutePath,
  },
  containerdRegistryConfigPath: {
    flags: "--containerd-registry-config-path <path>",
    help: "folder of containerd's registry configuration (certs.d)",
    default: "/etc/containerd/certs.d",
    read: absolutePath,
  },
  kubeletConfig: {
    flags: "--kubelet-config <path>",
    help: "kubelet's configuration; where it is not there, nothing is checked",
    default: "/var/lib/kubelet/config.yaml",
    read: absolutePath,
  },
  dataDir: {
    flags: "--data-dir <path>",
    help:
      "the only folder that run writes to: this node's identity; static-peers has none",
    default: "/var/lib/peili",
    read: absolutePath,
  },
  mirrorAddr: {
    flags: "--mirror-addr <host:port>",
    help: "where this node's containerd asks; no host: every address",
    default: ":5000",
    read: listenAddress,
  },
  peerAddr: {
    flags: "--peer-addr <host:port>",
    help: "where other nodes ask",
    default: ":5002",
    read: listenAddress,
  },
  routerAddr: {
    flags: "--router-addr <host:port>",
    help: "where the router listens; static-peers opens none",
    default: ":5001",
    read: listenAddress,
  },
  metricsAddr: {
    flags: "--metrics-addr <host:port>",
    help: "where /metrics, /readyz and /livez are",
    default: ":9090",
    read: listenAddress,
  },
  mirroredRegistries: {
    flags: "--mirrored-registries <registry,...>",
    help:
      "only these registries are mirrored, as https://docker.io or http://10.0.0.1:5000; _default or nothing: all",
    default: "",
    read: listOf(registryUrl),
  },
  registryFilters: {
    flags: "--registry-filters <regex,...>",
    help: "what any of these matches in registry/repository:tag is not shared",
    default: "",
    read: listOf(regex),
  },
  upstream: {
    flags: "--upstream <registry=url,...>",
    help:
      "where registries are, for the node that pulls for all; else the server of certs.d, else https://<registry>",
    default: "",
    read: (text) => new Map(listOf(upstreamOf)(text)),
  },
  fanOut: {
    flags: "--fan-out <n>",
    help:
      "streams that one node gives for a layer that is still being pulled, 1 to 64",
    default: "1",
    read: streams,
  },
  resolveTags: {
    flags: "--resolve-tags [true|false]",
    help:
      "answer tags; false: containerd asks the registry for each, so a tag cannot be pulled while the registry is away",
    default: "true",
    preset: "true",
    read: yesOrNo,
  },
  resolveLatestTag: {
    flags: "--resolve-latest-tag [true|false]",
    help: "answer the tag latest, too",
    default: "true",
    preset: "true",
    read: yesOrNo,
  },
  mirrorTargets: {
    flags: "--mirror-targets <url,...>",
    help:
      "where containerd finds Peili, in order: http://NODE_IP:30020, then http://NODE_IP:30021",
    read: mirrorTargets,
  },
  node: {
    flags: "--node <name>",
    help: "this node's name in the cluster (spec.nodeName of a pod)",
    read: notEmpty,
  },
  nodeIp: {
    flags: "--node-ip <address,...>",
    help:
      "addresses under which this node's containerd reaches it, where a pod does not see them by itself (status.hostIP)",
    default: "",
    read: listOf(ipAddress),
  },
  trial: {
    flags: "--trial [true|false]",
    help:
      "let a tiny image of this node's own go through Peili, and remove it again",
    default: "true",
    preset: "true",
    read: yesOrNo,
  },
  json: {
    flags: "--json [true|false]",
    help: "print JSON",
    ...SWITCH,
  },
  strict: {
    flags: "--strict [true|false]",
    help: "end with exit code 2 when doctor finds a problem at the start",
    ...SWITCH,
  },
  image: {
    flags: "<image>",
    help:
      "as redis, ghcr.io/me/app:v1 or app@sha256:...; http:// in front: without TLS",
    read: wantedImage,
  },
  to: {
    flags: "--to <layout:path>",
    help: "OCI image layout folder that gets the image; made where absent",
    read: layoutPath,
  },
  platform: {
    flags: "--platform <os/arch[/variant]>",
    help: "which image of several; all: every one",
    default: ownPlatform(),
    read: wantedPlatform,
  },
  mirror: {
    flags: "--mirror <host:port>",
    help: "a mirror to ask first, such as 127.0.0.1:5000",
    default: "",
    read: mirrorUrl,
  },
  additionalMirrorTargets: {
    flags: "--additional-mirror-targets <url,...>",
    help: "further mirrors that containerd asks after Peili",
    default: "",
    read: listOf(mirrorTarget),
  },
  loopback: {
    flags: "--loopback [true|false]",
    help: "mirror targets may be loopback: Peili listens there itself",
    ...SWITCH,
  },
  deployment: {
    flags: "--deployment <name>",
    help:
      "whose entries are written or taken out; others of the same node stay untouched",
    default: "peili",
    read: deployment,
  },
  keepExisting: {
    flags: "--keep-existing [true|false]",
    help:
      "with _default, leave registries alone that have a folder of their own; containerd asks no mirror for them",
    ...SWITCH,
  },
  dryRun: {
    flags: "--dry-run [true|false]",
    help: "print what would change as a diff, and change nothing",
    ...SWITCH,
  },
  print: {
    flags: "--print [true|false]",
    help:
      "print a script for a machine's user data (cloud-init) and change nothing; NODE_IP in a target is filled in on the machine",
    ...SWITCH,
  },
  containerdConfig: {
    flags: "--containerd-config [path]",
    help:
      "containerd's own configuration (/etc/containerd/config.toml); configure and restore print as a diff what makes it read hosts.toml, or takes that out again",
    default: "",
    preset: "/etc/containerd/config.toml",
    read: (text) => text === "" ? null : absolutePath(text),
  },
  apply: {
    flags: "--apply [true|false]",
    help: "change containerd's own configuration, too",
    ...SWITCH,
  },
  lenient: {
    flags: "--lenient [true|false]",
    help:
      "end with 0, too, when a hosts.toml was left alone: one file that cannot be read must not keep a pod from starting",
    ...SWITCH,
  },
  stay: {
    flags: "--stay [true|false]",
    help: "when done, stay until asked to end, as a DaemonSet's pod must",
    ...SWITCH,
  },
  daemonSet: {
    flags: "--daemon-set <name>",
    help: "the DaemonSet, in the namespace of this pod",
    default: "peili-restore",
    read: notEmpty,
  },
  timeout: {
    flags: "--timeout <seconds>",
    help: "how long to wait, 1 to 86400",
    default: "240",
    read: seconds,
  },
  serviceAccount: {
    flags: "--service-account <path>",
    help: "folder of the token with which the cluster's API is asked",
    default: "/var/run/secrets/kubernetes.io/serviceaccount",
    read: absolutePath,
  },
  logLevel: {
    flags: "--log-level <level>",
    help: `least important lines that are logged: ${LOG_LEVELS.join(", ")}`,
    default: "info",
    read: (text) => oneOf(LOG_LEVELS)(text.toLowerCase()),
  },
};

/**
 * Makes the options of a command for commander.
 *
 * @param names Which rows it has
 * @returns One option a row, with its environment variable
 */
export function optionsOf(names: readonly (keyof Config)[]): Option[] {
  return names.map((name) => toOption(ROWS[name]));
}

/**
 * Makes the argument of a command that has one, for commander.
 *
 * @param name Its row
 * @returns The argument
 */
export function argumentOf(name: keyof Config): Argument {
  return toArgument(ROWS[name]);
}

/**
 * Forgets empty variables: templates set what they have no value for to "".
 *
 * @param names Whose variables
 */
export function dropEmptyVariables(names: readonly (keyof Config)[]): void {
  for (const { envVar } of optionsOf(names)) {
    if (envVar && Deno.env.get(envVar) === "") Deno.env.delete(envVar);
  }
}

/**
 * Hosts that are asked without the proxy of HTTP_PROXY: this machine, as Go's
 * programs do, containerd among them; and all that are named by an IP address,
 * which is how nodes know each other.
 */
export const WITHOUT_PROXY = {
  thisMachine: "localhost,127.0.0.0/8,::1",
  addresses: "localhost,0.0.0.0/0,::/0",
} as const;

/**
 * Asks some hosts without a proxy: fetch reads the variable with its first
 * request. Where the permissions do not name it, the environment counts alone.
 *
 * @param hosts One of {@linkcode WITHOUT_PROXY}
 */
export function askWithoutProxy(hosts: string): void {
  const isAllowed = ["NO_PROXY", "no_proxy"].every((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  if (!isAllowed) return;
  const known = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy");
  Deno.env.set("NO_PROXY", known ? `${known},${hosts}` : hosts);
}

/**
 * Tells which registries a list of `--mirrored-registries` names.
 *
 * @param values The option's value
 * @returns Hosts with their ports; empty for all
 */
export function registryNames(values: readonly string[]): string[] {
  if (values.some((value) => ALL_REGISTRIES.has(value))) return [];
  return values.map((value) => value.replace(/^https?:\/\//, ""));
}
