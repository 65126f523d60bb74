/**
 * Every option in one table: flag, environment variable, default, help. What is
 * read, checked and printed by `--help` all comes from these rows.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "commander";
import { parseEndpoint } from "./hosts/endpoint.ts";
import { isRegistry } from "./oci/reference.ts";
import { isName, parseMultiaddr } from "./routing/bootstrap/multiaddr.ts";
import type { ListenAddress } from "./listen.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";

/** The values of all options. A command gets those of its own rows. */
export interface Config {
  readonly bootstrapKind: typeof KINDS[number];
  readonly containerdContentPath: string;
  readonly containerdNamespace: string;
  readonly containerdRegistryConfigPath: string;
  readonly containerdSock: string;
  readonly dataDir: string;
  readonly dnsBootstrapDomain: string;
  readonly fanOut: number;
  readonly httpBootstrapAddr: ListenAddress;
  readonly httpBootstrapPeer: string;
  readonly logLevel: LogLevel;
  readonly metricsAddr: ListenAddress;
  readonly mirrorAddr: ListenAddress;
  readonly mirroredRegistries: readonly string[];
  readonly mirrorTargets: readonly string[];
  readonly network: string;
  readonly peerAddr: ListenAddress;
  readonly peerIp: string;
  readonly registryFilters: readonly RegExp[];
  readonly resolveLatestTag: boolean;
  readonly resolveTags: boolean;
  readonly routerAddr: ListenAddress;
  readonly secretFile: string;
  readonly staticBootstrapPeers: readonly string[];
  readonly staticPeers: readonly string[];
  readonly upstream: ReadonlyMap<string, string>;
  readonly zone: string;
}

/** One option. Its environment variable is its flag: `PEILI_MIRROR_ADDR`. */
interface Row<T> {
  /** As commander writes it: `--mirror-addr <host:port>`. */
  readonly flags: string;
  /** What it means, with its unit. */
  readonly help: string;
  /** Its default as text, read like the user's; none: it must be given. */
  readonly default?: string;
  /** Reads one text; throws InvalidArgumentError that says what is allowed. */
  readonly read: (text: string) => T;
}

const KINDS = ["static-peers", "dns", "http", "static"] as const;

const ROWS: { readonly [K in keyof Config]: Row<Config[K]> } = {
  bootstrapKind: {
    flags: "--bootstrap-kind <kind>",
    help:
      "how nodes find each other: dns, http and static find some, and through them all; static-peers is a list of all, for a handful",
    default: "static-peers",
    read: oneOf(KINDS),
  },
  staticPeers: {
    flags: "--static-peers <host:port,...>",
    help: "peer listeners of all nodes, the same list on each, itself included",
    default: "",
    read: listOf(peerAddress),
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
  peerIp: {
    flags: "--peer-ip <ip>",
    help:
      "IP under which other nodes reach this one; none: as they see it, which they tell",
    default: "",
    read: (text) => text === "" ? "" : ipAddress(text),
  },
  zone: {
    flags: "--zone <name>",
    help: "where this node is: peers of its own zone are asked first",
    default: "",
    read: zoneName,
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
    read: yesOrNo,
  },
  resolveLatestTag: {
    flags: "--resolve-latest-tag [true|false]",
    help: "answer the tag latest, too",
    default: "true",
    read: yesOrNo,
  },
  mirrorTargets: {
    flags: "--mirror-targets <url,...>",
    help:
      "where containerd finds Peili, in order: http://NODE_IP:30020, then http://NODE_IP:30021",
    read: mirrorTargets,
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

function toOption(row: Row<unknown>): Option {
  const flag = /^--([a-z-]+)/.exec(row.flags)?.[1] ?? "";
  const variable = `PEILI_${flag.replaceAll("-", "_").toUpperCase()}`;
  const option = new Option(row.flags, row.help).env(variable)
    .argParser(row.read);
  if (row.flags.endsWith("]")) option.preset("true");
  return row.default === undefined
    ? option.makeOptionMandatory()
    : option.default(row.read(row.default), row.default || "none");
}

function listOf<T>(read: (text: string) => T): (text: string) => readonly T[] {
  return (text) =>
    // Not at the comma of a regular expression's {1,3}.
    text.split(/[\s,]+(?![^{]*\})/).filter((part) => part !== "").map(read);
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((allowed) => allowed === text);
    if (value) return value;
    throw new InvalidArgumentError(`Allowed: ${values.join(", ")}.`);
  };
}

function yesOrNo(text: string): boolean {
  return oneOf(["true", "false"])(text.toLowerCase()) === "true";
}

function notEmpty(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new InvalidArgumentError("It must not be empty.");
}

function networkName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Allowed: 1 to 63 letters, digits, dots, underscores and hyphens.",
  );
}

/** As Kubernetes has values of labels. */
function zoneName(text: string): string {
  if (/^[a-zA-Z0-9._-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Allowed: at most 63 letters, digits, dots, underscores and hyphens.",
  );
}

function ipAddress(text: string): string {
  const written = text.includes(":") ? `[${text}]` : text;
  const read = URL.parse(`http://${written}/`)?.hostname;
  if (read && /^(?:\[.*\]|[0-9.]+)$/.test(read)) {
    return read.replace(/^\[(.*)\]$/, "$1");
  }
  throw new InvalidArgumentError("Allowed: an IP, as 10.0.0.1 or fd00::1.");
}

function absolutePath(text: string): string {
  if (text.startsWith("/")) return text;
  throw new InvalidArgumentError("Allowed: an absolute path.");
}

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]*)):([0-9]{1,5})$/;

function hostPort(text: string): ListenAddress | null {
  const [, v6, name, port] = HOST_PORT.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) return null;
  return { hostname: v6 ?? name ?? "", port: Number(port) };
}

function listenAddress(text: string): ListenAddress {
  const address = hostPort(text);
  if (!address) {
    throw new InvalidArgumentError(
      "Allowed: :5000, 10.0.0.1:5000, [fd00::1]:5000.",
    );
  }
  return { ...address, hostname: address.hostname || "::" };
}

function peerAddress(text: string): string {
  const address = hostPort(text);
  if (address && address.hostname !== "" && address.port > 0) return text;
  throw new InvalidArgumentError(
    "Allowed: addresses such as 10.0.0.1:5002 or [fd00::1]:5002.",
  );
}

function domainName(text: string): string {
  if (isName(text)) return text;
  throw new InvalidArgumentError(
    "Allowed: a DNS name such as peili.kube-system.svc.cluster.local.",
  );
}

function bootstrapUrl(text: string): string {
  try {
    // Spegel's takes host:port; so does this.
    return parseEndpoint(
      /^https?:/.test(text) ? text : `http://${text}`,
      "bootstrap peer",
    ).url;
  } catch {
    throw new InvalidArgumentError(
      "Allowed: http(s)://host[:port] without a path.",
    );
  }
}

function multiaddr(text: string): string {
  const address = parseMultiaddr(text);
  if (address !== null) return address;
  throw new InvalidArgumentError(
    "Allowed: multiaddrs such as /ip4/10.0.0.1/tcp/5001 or /ip6/fd00::1/tcp/5001/p2p/ID.",
  );
}

const ALL_REGISTRIES = new Set(["_default", "*"]);

/** Checks a registry: its scheme is what containerd falls back to. */
function registryUrl(text: string): string {
  const [, host = ""] = /^https?:\/\/(.*)$/s.exec(text) ?? [];
  if (ALL_REGISTRIES.has(text) || isRegistry(host)) return text;
  throw new InvalidArgumentError(
    "Allowed: http(s)://host[:port] without a path, or _default.",
  );
}

function mirrorTargets(text: string): readonly string[] {
  const targets = listOf((target) => target)(text);
  try {
    targets.forEach((target) => parseEndpoint(target, "mirror target"));
    if (targets.length > 0) return targets;
  } catch {
    // Its message does not name the option; this one does.
  }
  throw new InvalidArgumentError(
    "Allowed: one or more of http(s)://host[:port] without a path.",
  );
}

function upstreamOf(text: string): [string, string] {
  const [registry = "", url = ""] = text.split(/=(.*)/s);
  if (isRegistry(registry) && /^https?:\/\/[^/]/.test(url)) {
    return [registry, url];
  }
  throw new InvalidArgumentError(
    "Allowed: registry=url, such as docker.io=https://registry-1.docker.io.",
  );
}

function streams(text: string): number {
  const count = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 64) return count;
  throw new InvalidArgumentError("Allowed: 1 to 64.");
}

function regex(text: string): RegExp {
  // Go writes "ignore case" into the expression.
  const [, flag, source = ""] = /^(\(\?i\))?(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(source, flag ? "i" : "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`It is no regular expression: ${reason}.`);
  }
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
