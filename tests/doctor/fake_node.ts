/**
 * A node for checks: files in a folder, a containerd that answers as it is told,
 * and whoever answers over HTTP. It is healthy until a test changes it.
 *
 * @module
 */

import type { ContainerdPlugin } from "../../src/containerd/inspect.ts";
import type { RouterAnswer } from "../../src/routing/libp2p/ask_routers.ts";
import {
  type DoctorOptions,
  type Facts,
  nodeFacts,
} from "../../src/doctor/facts.ts";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../hosts/temporary_folder.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A node, and what a test may change of it. */
export interface FakeNode extends AsyncDisposable {
  readonly options: Mutable<DoctorOptions>;
  /** Its files: `config.toml`, `certs.d/`, `content/`, `kubelet.yaml`. */
  readonly folder: TemporaryFolder;
  /** What its containerd tells. */
  readonly containerd: {
    version: string;
    namespaces: string[];
    plugins: ContainerdPlugin[];
    criConfig: unknown;
    /** Every call fails. */
    away: boolean;
  };
  /** Its addresses. */
  addresses: string[];
  /** Who answers, by `host:port/path`; the rest is refused. */
  readonly web: Map<string, () => Response>;
  /** What bootstrap names, as multiaddresses; an error: it does not answer. */
  named: string[] | Error;
  /** Who is at routers' multiaddresses; the rest refuses. */
  readonly routers: Map<string, RouterAnswer>;
  /** The facts, as of now. */
  facts(): Facts;
}

/** Makes it a node that finds others by DNS: itself and one other. */
export function byDns({ options, ...node }: FakeNode): void {
  options.staticPeers = [];
  options.dnsBootstrapDomain = "peers.example.";
  for (const [i, answer] of (["member", "member"] as const).entries()) {
    const address = `/ip4/10.0.0.${i + 1}/tcp/5001`;
    (node.named as string[]).push(address);
    node.routers.set(address, answer);
  }
  node.routers.set("/ip4/127.0.0.1/tcp/5001", "member");
}

/** Peili's own probe. */
export function peiliAnswers(): Response {
  return new Response("ok\n");
}

/** Somebody else. */
export function otherAnswers(): Response {
  return new Response("Welcome!");
}

/** A peer's identity. */
export function peerAnswers(
  id: string,
  now: number = Date.now(),
): () => Response {
  return () =>
    Response.json({ id }, { headers: { date: new Date(now).toUTCString() } });
}

/** A Peili that does not take this node for one of its own. */
export function refuses(reason: string, now: number = Date.now()): Response {
  return new Response(`not of us: ${reason}`, {
    status: 401,
    headers: { date: new Date(now).toUTCString() },
  });
}

/** A healthy hosts.toml. */
export const HOSTS = `[host."http://10.0.0.1:30020"]
capabilities = ["pull", "resolve"]
dial_timeout = "1s"
`;

/** A config.toml of containerd 2.x with a line for images. */
export function configToml(path: string, lines = ""): string {
  return `version = 3
[plugins."io.containerd.cri.v1.images"]
${lines}
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "${path}"
`;
}

/** Makes a healthy node. */
export async function fakeNode(): Promise<FakeNode> {
  const folder = await temporaryFolder({
    "certs.d/_default/hosts.toml": HOSTS,
    "content/blobs/sha256/none": "",
  });
  const { path } = folder;
  await folder.write("config.toml", configToml(`${path}/certs.d`));
  await folder.write("containerd.sock", "");
  await folder.write("secret", "0123456789abcdefghij\n");
  const containerd: FakeNode["containerd"] = {
    version: "2.1.4",
    namespaces: ["k8s.io"],
    plugins: [
      plugin("io.containerd.content.v1", "content", {
        root: `${path}/content`,
      }),
      plugin("io.containerd.metadata.v1", "bolt", { policy: "shared" }),
      plugin("io.containerd.grpc.v1", "cri", {}),
    ],
    criConfig: {},
    away: false,
  };
  const told = <T>(value: () => T) => (): Promise<T> =>
    containerd.away
      ? Promise.reject(Object.assign(new Error("14 UNAVAILABLE"), { code: 14 }))
      : Promise.resolve(value());
  const node: FakeNode = {
    folder,
    containerd,
    options: optionsBelow(path),
    addresses: ["10.0.0.1"],
    web: new Map([
      ["10.0.0.1:30020/livez", peiliAnswers],
      ["127.0.0.1:5000/livez", peiliAnswers],
      ["127.0.0.1:9090/livez", peiliAnswers],
      ["127.0.0.1:5002/peili/v1/peer", peerAnswers("a")],
      ["10.0.0.1:5002/peili/v1/peer", peerAnswers("a")],
      ["10.0.0.2:5002/peili/v1/peer", peerAnswers("b")],
    ]),
    named: [],
    routers: new Map(),
    facts() {
      const { signal } = new AbortController();
      return nodeFacts(node.options, {
        containerd: {
          version: told(() => containerd.version),
          namespaces: told(() => containerd.namespaces),
          plugins: told(() => containerd.plugins),
          criConfig: told(() => containerd.criConfig),
        },
        fetcher: (input) => answer(node.web, new Request(input)),
        openPeers: () =>
          Promise.resolve((url) => answer(node.web, new Request(url))),
        addresses: () => node.addresses,
        findRouters: () =>
          node.named instanceof Error
            ? Promise.reject(node.named)
            : Promise.resolve(node.named),
        askRouters: (multiaddrs) =>
          Promise.resolve(
            multiaddrs.map((one) => node.routers.get(one) ?? "nobody"),
          ),
      }, signal);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  return node;
}

/** One of containerd's plugins, which runs. */
export function plugin(
  type: string,
  id: string,
  exports: Record<string, string>,
): ContainerdPlugin {
  return { type, id, exports, failure: null };
}

function optionsBelow(path: string): Mutable<DoctorOptions> {
  return {
    containerdSock: `${path}/containerd.sock`,
    containerdNamespace: "k8s.io",
    containerdContentPath: `${path}/content`,
    containerdConfig: `${path}/config.toml`,
    containerdRegistryConfigPath: `${path}/certs.d`,
    kubeletConfig: `${path}/kubelet.yaml`,
    mirrorAddr: { hostname: "::", port: 5000 },
    peerAddr: { hostname: "::", port: 5002 },
    metricsAddr: { hostname: "::", port: 9090 },
    routerAddr: { hostname: "::", port: 5001 },
    bootstrapKind: "",
    staticPeers: ["10.0.0.1:5002", "10.0.0.2:5002"],
    dnsBootstrapDomain: "",
    httpBootstrapAddr: "",
    httpBootstrapPeer: "",
    staticBootstrapPeers: [],
    nodeIp: [],
    network: "peili",
    secretFile: `${path}/secret`,
    resolveTags: true,
  };
}

function answer(
  web: FakeNode["web"],
  request: Request,
): Promise<Response> {
  const { host, pathname } = new URL(request.url);
  const respond = web.get(`${host}${pathname}`);
  if (respond) return Promise.resolve(respond());
  return Promise.reject(new TypeError(`Connection refused: ${host}`));
}
