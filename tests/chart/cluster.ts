/**
 * A cluster without nodes: etcd, API server, controller manager and scheduler,
 * on loopback.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path/posix";
import { cleanUp, cleanUpLeftovers } from "../lab/cleanup.ts";
import { startDaemon } from "../lab/daemon.ts";
import { LabFolder } from "../lab/folder.ts";
import { ClusterApi } from "./cluster_api.ts";
import { controlPlaneProgram } from "./tools.ts";

/** Starting takes 3 s on an idle machine; this one may be busy. */
const START_MS = 120_000;

const TOKEN = "of-the-admin";

/** A running cluster; disposing of it ends its processes. */
export interface Cluster extends AsyncDisposable {
  /** Its API, as its administrator. */
  readonly api: ClusterApi;
  /** For helm. */
  readonly kubeconfig: string;
  /** `kubernetes.default` for pods: loopback here. */
  readonly port: number;
  /** The file of the CA that knows the API server. */
  readonly ca: string;
  /** For what a test wants to keep as long as the cluster. */
  readonly folder: string;
  /** Starts another program that goes with the cluster. */
  start(name: string, argv: readonly string[]): Promise<void>;
}

/** Ports that nobody has, as far as one can know. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  listeners.forEach((listener) => listener.close());
  return ports;
}

/** What a cluster is like. */
export interface ClusterOptions {
  /**
   * Whether a pod gets its node's zone as a label, as from Kubernetes 1.35 on.
   *
   * @default {true}
   */
  readonly copiesZones?: boolean;
}

/** Starts one. */
export async function startCluster(
  options: ClusterOptions = {},
): Promise<Cluster> {
  const program = await controlPlaneProgram();
  await cleanUpLeftovers();
  const folder = LabFolder.create();
  try {
    return await startIn(folder, program, options);
  } catch (error) {
    await cleanUp(folder.path);
    throw error;
  }
}

async function startIn(
  folder: LabFolder,
  program: string,
  { copiesZones = true }: ClusterOptions,
): Promise<Cluster> {
  const [etcd = 0, etcdPeers = 0, port = 0] = freePorts(3);
  const at = (name: string) => join(folder.path, name);
  const start = async (name: string, argv: readonly string[]) => {
    const log = at(`${name}.log`);
    return await startDaemon(folder, { name, argv, log });
  };
  await start("etcd", etcdCommand(at("etcd"), etcd, etcdPeers));
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  await Deno.writeTextFile(
    at("sa.key"),
    key.export({ type: "pkcs1", format: "pem" }).toString(),
  );
  await Deno.writeTextFile(at("tokens"), `${TOKEN},admin,0,system:masters\n`);
  const server = await start("kube-apiserver", [
    ...[program, "kube-apiserver", `--cert-dir=${at("certs")}`],
    ...[`--etcd-servers=http://127.0.0.1:${etcd}`, `--secure-port=${port}`],
    ...["--bind-address=127.0.0.1", "--authorization-mode=RBAC"],
    ...["--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged"],
    ...["--service-account-issuer=https://kubernetes.default.svc"],
    ...["key", "signing-key"].map((name) =>
      `--service-account-${name}-file=${at("sa.key")}`
    ),
    `--token-auth-file=${at("tokens")}`,
    `--feature-gates=PodTopologyLabelsAdmission=${copiesZones}`,
  ]);
  const ca = at("certs/apiserver.crt");
  let api: ClusterApi | null = null;
  await server.until("to be ready", START_MS, async () => {
    api ??= new ClusterApi(port, TOKEN, await Deno.readTextFile(ca));
    return await api.ready();
  });
  if (!api) throw new Error("Cannot happen: it is ready");
  const kubeconfig = at("kubeconfig");
  await Deno.writeTextFile(kubeconfig, kubeconfigText(port, ca));
  const common = [`--kubeconfig=${kubeconfig}`, "--leader-elect=false"];
  await start("kube-controller-manager", [
    ...[program, "kube-controller-manager", ...common, "--secure-port=0"],
    `--service-account-private-key-file=${at("sa.key")}`,
    `--root-ca-file=${ca}`,
    // It would find that no node has a kubelet.
    "--controllers=*,-node-lifecycle-controller",
  ]);
  await start("kube-scheduler", [
    ...[program, "kube-scheduler", ...common, "--secure-port=0"],
  ]);
  return {
    api,
    kubeconfig,
    port,
    ca,
    folder: folder.path,
    start: async (name, argv) => void await start(name, argv),
    async [Symbol.asyncDispose]() {
      api?.[Symbol.dispose]();
      await cleanUp(folder.path);
    },
  };
}

function etcdCommand(data: string, port: number, peers: number): string[] {
  const url = `http://127.0.0.1:${port}`;
  const peersUrl = `http://127.0.0.1:${peers}`;
  return [
    ...["etcd", "--data-dir", data],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peersUrl],
    ...["--initial-advertise-peer-urls", peersUrl],
    ...["--initial-cluster", `default=${peersUrl}`],
  ];
}

function kubeconfigText(port: number, ca: string): string {
  const server = `https://127.0.0.1:${port}`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "lab",
      cluster: { server, "certificate-authority": ca },
    }],
    users: [{ name: "admin", user: { token: TOKEN } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "admin" } }],
    "current-context": "lab",
  });
}
