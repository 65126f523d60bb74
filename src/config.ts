/**
 * Every option in one table: flag, environment variable, default, help. What is
 * read, checked and printed by `--help` all comes from these rows.
 *
 * @module
 */

import { Argument, InvalidArgumentError, Option } from "commander";
import type { ListenAddress } from "./listen.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import type { StoreChoice } from "./node.ts";
import type { WantedImage } from "./pull/image_name.ts";
import { ownPlatform, type WantedPlatform } from "./pull/platform.ts";
import {
  absolutePath,
  ALL_REGISTRIES,
  bootstrapUrl,
  deployment,
  domainName,
  headerValue,
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
} from "./option_text.ts";

/** The values of all options. A command gets those of its own rows. */
export interface Config {
  readonly additionalMirrorTargets: readonly string[];
  readonly apply: boolean;
  readonly bootstrapKind: "static-peers";
  /** null: containerd's own configuration stays out of it. */
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
  readonly image: WantedImage;
  readonly httpBootstrapAddr: ListenAddress;
  readonly httpBootstrapPeer: string;
  readonly keepExisting: boolean;
  readonly lenient: boolean;
  readonly logLevel: LogLevel;
  readonly loopback: boolean;
  readonly metricsAddr: ListenAddress;
  readonly mirror: string;
  readonly mirrorAddr: ListenAddress;
  readonly mirroredRegistries: readonly string[];
  readonly mirrorAuthorization: string;
  readonly mirrorTargets: readonly string[];
  readonly network: string;
  readonly peerAddr: ListenAddress;
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
  readonly store: StoreChoice;
  /** Seconds. */
  readonly timeout: number;
  readonly to: string;
  readonly upstream: ReadonlyMap<string, string>;
}

/** One option. Its environment variable is its flag: `PEILI_MIRROR_ADDR`. */
interface Row<T> {
  /** As commander writes it: `--mirror-addr <host:port>`; `<image>` has no flag. */
  readonly flags: string;
  /** What it means, with its unit. */
  readonly help: string;
  /** Its default as text, read like the user's; none: it must be given. */
  readonly default?: string;
  /** What the flag means without a value, as text. */
  readonly preset?: string;
  /** Reads one text; throws TypeError that says what is allowed. */
  readonly read: (text: string) => T;
}

/** A switch that is off. */
const NO: Pick<Row<boolean>, "default" | "preset" | "read"> = {
  default: "false",
  preset: "true",
  read: yesOrNo,
};

const ROWS: { readonly [K in keyof Config]: Row<Config[K]> } = {
  bootstrapKind: {
    flags: "--bootstrap-kind <kind>",
    help: "how nodes find each other: static-peers (a list of addresses)",
    default: "static-peers",
    read: oneOf(["static-peers"]),
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
    help: "kind http: where this node says who it is, at /id",
    default: ":5003",
    read: listenAddress,
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
  dataDir: {
    flags: "--data-dir <path>",
    help: "the only folder that run writes to; static-peers keeps nothing",
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
    help: "where the router listens; static-peers opens nothing",
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
  mirrorAuthorization: {
    flags: "--mirror-authorization <value>",
    help:
      "Authorization header for the mirror targets only, such as Basic dTpw, for a proxy before Peili; containerd also shows it to the token server of a registry that Peili redirects to",
    default: "",
    read: headerValue,
  },
  loopback: {
    flags: "--loopback [true|false]",
    help: "mirror targets may be loopback: Peili listens there itself",
    ...NO,
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
    ...NO,
  },
  dryRun: {
    flags: "--dry-run [true|false]",
    help: "print what would change as a diff, and change nothing",
    ...NO,
  },
  print: {
    flags: "--print [true|false]",
    help:
      "print a script for a machine's user data (cloud-init) and change nothing; NODE_IP in a target is filled in on the machine",
    ...NO,
  },
  containerdConfig: {
    flags: "--containerd-config [path]",
    help:
      "containerd's own configuration: print as a diff what makes it read hosts.toml, or take that out again",
    default: "",
    preset: "/etc/containerd/config.toml",
    read: (text) => text === "" ? null : absolutePath(text),
  },
  apply: {
    flags: "--apply [true|false]",
    help: "change containerd's own configuration, too",
    ...NO,
  },
  lenient: {
    flags: "--lenient [true|false]",
    help:
      "end with 0, too, when a hosts.toml was left alone: one file that cannot be read must not keep a pod from starting",
    ...NO,
  },
  stay: {
    flags: "--stay [true|false]",
    help: "when done, stay until asked to end, as a DaemonSet's pod must",
    ...NO,
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
  return names.map((name) => toOption(ROWS[name] as Row<unknown>));
}

/**
 * Makes the argument of a command that has one, for commander.
 *
 * @param name Its row
 * @returns The argument
 */
export function argumentOf(name: keyof Config): Argument {
  const { flags, help, read } = ROWS[name] as Row<unknown>;
  return new Argument(flags, help).argParser(forCommander(read));
}

function toOption(row: Row<unknown>): Option {
  const flag = /^--([a-z-]+)/.exec(row.flags)?.[1] ?? "";
  const variable = `PEILI_${flag.replaceAll("-", "_").toUpperCase()}`;
  const option = new Option(row.flags, row.help).env(variable)
    .argParser(forCommander(row.read));
  if (row.preset !== undefined) option.preset(row.preset);
  return row.default === undefined
    ? option.makeOptionMandatory()
    : option.default(row.read(row.default), row.default || "none");
}

/** Only what is thrown so is told with the option's name. */
function forCommander<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new InvalidArgumentError(error.message);
    }
  };
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
 * Tells which registries a list of `--mirrored-registries` names.
 *
 * @param values The option's value
 * @returns Hosts with their ports; empty for all
 */
export function registryNames(values: readonly string[]): string[] {
  if (values.some((value) => ALL_REGISTRIES.has(value))) return [];
  return values.map((value) => value.replace(/^https?:\/\//, ""));
}
