/** What each option is tried with: texts, what is read from them, and refused. @module */

import type { Config } from "../src/config.ts";
import { ownPlatform, parsePlatform } from "../src/pull/platform.ts";

/** An option. */
export type Name = keyof Config;

/** What one option is tried with. */
export interface Tried {
  readonly flag: string;
  readonly default: unknown;
  /** Texts and what is read from them. */
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
  /** What is said to be allowed. */
  readonly says: string;
}

const PATHS = { good: [["/x/y", "/x/y"]], bad: ["x", "./x", ""] } as const;
const PATH_SAYS = "Allowed: an absolute path.";
const LISTEN_SAYS = "Allowed: :5000, 10.0.0.1:5000, [fd00::1]:5000.";
const LISTEN = {
  good: [
    [":0", { hostname: "::", port: 0 }],
    ["127.0.0.1:80", { hostname: "127.0.0.1", port: 80 }],
    ["[fd00::1]:80", { hostname: "fd00::1", port: 80 }],
    ["node-1.local:80", { hostname: "node-1.local", port: 80 }],
  ],
  bad: [
    "",
    "80",
    "127.0.0.1",
    ":x",
    ":65536",
    "fd00::1:80",
    "[fd00::1]",
    ":-1",
  ],
} as const;
const BOOLEAN = {
  good: [["true", true], ["false", false], ["FALSE", false]],
  bad: ["", "yes", "1"],
} as const;

/** What must be given, and what has no flag. */
type Given = "mirrorTargets" | "to" | "image" | "node";

const SWITCH = { default: false, ...BOOLEAN, says: "Allowed: true, false." };

/** What has a default. */
export const TRIED: Readonly<Record<Exclude<Name, Given>, Tried>> = {
  bootstrapKind: {
    flag: "--bootstrap-kind",
    default: "",
    good: [
      ["dns", "dns"],
      ["http", "http"],
      ["static", "static"],
      ["static-peers", "static-peers"],
      ["", ""],
    ],
    bad: ["DNS", "kubernetes"],
    says: "Allowed: static-peers, dns, http, static.",
  },
  peerIp: {
    flag: "--peer-ip",
    default: "",
    good: [["", ""], ["10.0.0.1", "10.0.0.1"], ["[fd00::1]", "fd00::1"]],
    bad: ["node-1", "10.0.0.1:5002", "10.0.0.256"],
    says: "Allowed: addresses such as 10.0.0.1.",
  },
  zone: {
    flag: "--zone",
    default: "",
    good: [["", ""], ["eu-west-1a", "eu-west-1a"]],
    bad: ["a b", "a/b", "x".repeat(64)],
    says: "Allowed: at most 63 letters, digits, dots, underscores and hyphens.",
  },
  zoneFile: {
    flag: "--zone-file",
    default: "",
    good: [["", ""], ["/x/y", "/x/y"]],
    bad: ["x", "./x"],
    says: PATH_SAYS,
  },
  upstream: {
    flag: "--upstream",
    default: new Map(),
    good: [
      [
        "docker.io=https://m.example.com,10.0.0.1:5000=http://10.0.0.1:5000",
        new Map([
          ["docker.io", "https://m.example.com"],
          ["10.0.0.1:5000", "http://10.0.0.1:5000"],
        ]),
      ],
    ],
    bad: ["docker.io", "docker.io=m.example.com", "=https://a", "a=https:///"],
    says:
      "Allowed: registry=url, such as docker.io=https://registry-1.docker.io.",
  },
  daemonSet: {
    flag: "--daemon-set",
    default: "peili-restore",
    good: [["x", "x"]],
    bad: ["", " "],
    says: "It must not be empty.",
  },
  lenient: { flag: "--lenient", ...SWITCH },
  serviceAccount: {
    flag: "--service-account",
    default: "/var/run/secrets/kubernetes.io/serviceaccount",
    ...PATHS,
    says: PATH_SAYS,
  },
  stay: { flag: "--stay", ...SWITCH },
  timeout: {
    flag: "--timeout",
    default: 240,
    good: [["1", 1], ["86400", 86_400]],
    bad: ["", "0", "-1", "1.5", "86401", "1s"],
    says: "Allowed: 1 to 86400 seconds.",
  },
  fanOut: {
    flag: "--fan-out",
    default: 1,
    good: [["1", 1], ["64", 64]],
    bad: ["", "0", "65", "-1", "1.5", "many"],
    says: "Allowed: 1 to 64.",
  },
  staticPeers: {
    flag: "--static-peers",
    default: [],
    good: [
      ["", []],
      ["a:1,[fd00::1]:2 10.0.0.1:3", ["a:1", "[fd00::1]:2", "10.0.0.1:3"]],
    ],
    bad: ["a", ":5002", "a:0", "a:1,b", "fd00::1:5002", "http://a:1"],
    says: "Allowed: addresses such as 10.0.0.1:5002 or [fd00::1]:5002.",
  },
  store: {
    flag: "--store",
    default: { kind: "containerd" },
    good: [
      ["containerd", { kind: "containerd" }],
      ["layout:/usb", { kind: "layout", path: "/usb" }],
      ["layout:/a b/c:d", { kind: "layout", path: "/a b/c:d" }],
    ],
    bad: ["", "docker", "layout", "layout:", "layout:usb", "/usb", "oci:/usb"],
    says: "Allowed: containerd, or layout: and an absolute path.",
  },
  kubeletConfig: {
    flag: "--kubelet-config",
    default: "/var/lib/kubelet/config.yaml",
    good: [["/a/b.json", "/a/b.json"]],
    bad: ["", "a"],
    says: "Allowed: an absolute path.",
  },
  nodeIp: {
    flag: "--node-ip",
    default: [],
    good: [["", []], ["10.0.0.1,[fd00::1]", ["10.0.0.1", "fd00::1"]]],
    bad: ["a", "10.0.0.1:5000", "10.0.0"],
    says: "Allowed: addresses such as 10.0.0.1.",
  },
  trial: {
    flag: "--trial",
    default: true,
    ...BOOLEAN,
    says: "Allowed: true, false.",
  },
  json: { flag: "--json", ...SWITCH },
  strict: { flag: "--strict", ...SWITCH },
  dnsBootstrapDomain: {
    flag: "--dns-bootstrap-domain",
    default: "",
    good: [["", ""], ["a.b.", "a.b."], ["peers", "peers"]],
    bad: [" ", "a..b", "10.0.0.1", "http://a", "a:1"],
    says: "Allowed: a DNS name such as peili.kube-system.svc.cluster.local.",
  },
  httpBootstrapAddr: {
    flag: "--http-bootstrap-addr",
    default: "",
    good: [...LISTEN.good, ["", ""]],
    bad: LISTEN.bad.slice(1),
    says: LISTEN_SAYS,
  },
  httpBootstrapPeer: {
    flag: "--http-bootstrap-peer",
    default: "",
    good: [
      ["", ""],
      ["http://a:1", "http://a:1"],
      ["https://[fd00::1]", "https://[fd00::1]"],
      ["10.0.0.1:5003", "http://10.0.0.1:5003"],
    ],
    bad: [" ", "http://a/id", "ftp://a", "fd00::1:1", "http://u:p@a"],
    says: "Allowed: http(s)://host[:port] without a path.",
  },
  staticBootstrapPeers: {
    flag: "--static-bootstrap-peers",
    default: [],
    good: [
      ["", []],
      ["/ip4/10.0.0.1/tcp/1,/ip6/FD00:0::1/tcp/2", [
        "/ip4/10.0.0.1/tcp/1",
        "/ip6/fd00::1/tcp/2",
      ]],
    ],
    bad: ["10.0.0.1:5001", "/ip4/10.0.0.1/udp/1", "/ip4/10.0.0.1/tcp/1,x"],
    says:
      "Allowed: multiaddrs such as /ip4/10.0.0.1/tcp/5001 or /ip6/fd00::1/tcp/5001/p2p/ID.",
  },
  network: {
    flag: "--network",
    default: "peili",
    good: [["eu-west.1_a", "eu-west.1_a"]],
    bad: ["", " ", "-a", "a b", "a/b", "ä", "x".repeat(64)],
    says: "Allowed: 1 to 63 letters, digits, dots, underscores and hyphens.",
  },
  secretFile: {
    flag: "--secret-file",
    default: "",
    good: [["", ""], ["/x/y", "/x/y"]],
    bad: ["x", "./x"],
    says: PATH_SAYS,
  },
  containerdSock: {
    flag: "--containerd-sock",
    default: "/run/containerd/containerd.sock",
    ...PATHS,
    says: PATH_SAYS,
  },
  containerdNamespace: {
    flag: "--containerd-namespace",
    default: "k8s.io",
    good: [["moby", "moby"]],
    bad: ["", " "],
    says: "It must not be empty.",
  },
  containerdContentPath: {
    flag: "--containerd-content-path",
    default: "/var/lib/containerd/io.containerd.content.v1.content",
    ...PATHS,
    says: PATH_SAYS,
  },
  containerdRegistryConfigPath: {
    flag: "--containerd-registry-config-path",
    default: "/etc/containerd/certs.d",
    ...PATHS,
    says: PATH_SAYS,
  },
  dataDir: {
    flag: "--data-dir",
    default: "/var/lib/peili",
    ...PATHS,
    says: PATH_SAYS,
  },
  mirrorAddr: {
    flag: "--mirror-addr",
    default: { hostname: "::", port: 5000 },
    ...LISTEN,
    says: LISTEN_SAYS,
  },
  peerAddr: {
    flag: "--peer-addr",
    default: { hostname: "::", port: 5002 },
    ...LISTEN,
    says: LISTEN_SAYS,
  },
  routerAddr: {
    flag: "--router-addr",
    default: { hostname: "::", port: 5001 },
    ...LISTEN,
    says: LISTEN_SAYS,
  },
  metricsAddr: {
    flag: "--metrics-addr",
    default: { hostname: "::", port: 9090 },
    ...LISTEN,
    says: LISTEN_SAYS,
  },
  mirroredRegistries: {
    flag: "--mirrored-registries",
    default: [],
    good: [
      ["_default", ["_default"]],
      ["https://docker.io,http://10.0.0.1:5000", [
        "https://docker.io",
        "http://10.0.0.1:5000",
      ]],
    ],
    // Without a scheme, configure could not say what to fall back to.
    bad: ["docker.io", "ftp://a", "https://a/b", "https://u@a", "https://a?b"],
    says: "Allowed: http(s)://host[:port] without a path, or _default.",
  },
  registryFilters: {
    flag: "--registry-filters",
    default: [],
    good: [[":latest$,(?i)^ghcr", [/:latest$/, /^ghcr/i]]],
    bad: ["("],
    says: "It is no regular expression: ",
  },
  resolveTags: {
    flag: "--resolve-tags",
    default: true,
    ...BOOLEAN,
    says: "Allowed: true, false.",
  },
  resolveLatestTag: {
    flag: "--resolve-latest-tag",
    default: true,
    ...BOOLEAN,
    says: "Allowed: true, false.",
  },
  platform: {
    flag: "--platform",
    default: parsePlatform(ownPlatform()),
    good: [
      ["all", "all"],
      ["linux/arm64", { os: "linux", architecture: "arm64" }],
    ],
    bad: ["", "arm64", "linux/arm/v7/x"],
    says: "Allowed: all, or a platform such as linux/amd64 or linux/arm/v7.",
  },
  mirror: {
    flag: "--mirror",
    default: "",
    good: [
      ["", ""],
      ["127.0.0.1:5000", "http://127.0.0.1:5000"],
      ["[fd00::1]:5000", "http://[fd00::1]:5000"],
      ["https://mirror.example", "https://mirror.example"],
    ],
    bad: ["http://a/b", "a b", "http://u@a", "ftp://a"],
    says: "Allowed: host:port, or http(s)://host:port without a path.",
  },
  additionalMirrorTargets: {
    flag: "--additional-mirror-targets",
    default: [],
    good: [["", []], ["http://zot:5000", ["http://zot:5000"]]],
    bad: ["zot:5000", "http://a/b"],
    says: "Allowed: one or more of http(s)://host[:port] without a path",
  },
  deployment: {
    flag: "--deployment",
    default: "peili",
    good: [["my-release.2", "my-release.2"]],
    bad: ["", " ", "a b", "-a", "a/b"],
    says: "Allowed: letters, digits, dots, hyphens and underscores.",
  },
  containerdConfig: {
    flag: "--containerd-config",
    default: null,
    good: [["/etc/k0s/containerd.toml", "/etc/k0s/containerd.toml"]],
    bad: ["x", "./x"],
    says: PATH_SAYS,
  },
  apply: { flag: "--apply", ...SWITCH },
  dryRun: { flag: "--dry-run", ...SWITCH },
  keepExisting: { flag: "--keep-existing", ...SWITCH },
  loopback: { flag: "--loopback", ...SWITCH },
  print: { flag: "--print", ...SWITCH },
  logLevel: {
    flag: "--log-level",
    default: "info",
    good: [["debug", "debug"], ["WARN", "warn"]],
    bad: ["", "loud"],
    says: "Allowed: debug, info, warn, error.",
  },
};

/** `--mirror-targets`. */
export const TARGETS: Tried = {
  flag: "--mirror-targets",
  default: undefined,
  good: [
    ["http://10.0.0.1:30020,http://[fd00::1]:30021", [
      "http://10.0.0.1:30020",
      "http://[fd00::1]:30021",
    ]],
    ["http://fd00::1:30020", ["http://[fd00::1]:30020"]],
  ],
  bad: ["", ",", "10.0.0.1:30020", "http://a/b", "http://u@a", "http://a,x"],
  says: "Allowed: one or more of http(s)://host[:port] without a path",
};

/** `--to`. */
export const TO: Tried = {
  flag: "--to",
  default: undefined,
  good: [["layout:/mnt/usb", "/mnt/usb"], ["layout:./a b", "./a b"]],
  bad: ["", "/mnt/usb", "layout:", "oci:/mnt/usb"],
  says: "Allowed: layout: and a folder's path.",
};
