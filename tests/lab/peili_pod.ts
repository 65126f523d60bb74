/** Peili in a pod, as its DaemonSet runs it. @module */
import { dirname, join } from "node:path/posix";
import { mountsBelow } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import type { Node } from "./node.ts";
import { PEILI_IMAGE } from "./peili_image.ts";
import { METRICS_PORT } from "./peili_command.ts";
import {
  type ContainerSpec,
  Pod,
  type PodMount,
  restricted,
  sandboxOnNode,
} from "./pod.ts";
import { waitFor } from "./wait.ts";

/** Where a node's Peili answers its own containerd. */
export const HOST_PORT = 30020;

/** Where every node answers for a Peili of any node, as kube-proxy makes it. */
export const NODE_PORT = 30021;

/** What containerd asks, in this order; NODE_IP is to be filled in. */
export const TARGETS: string = [HOST_PORT, NODE_PORT]
  .map((port) => `http://NODE_IP:${port}`).join();

/** What all of a deployment know. */
export const SECRET =
  "bG9uZyBlbm91Z2ggbm90IHRvIGJlIGd1ZXNzZWQgYnkgYW55Ym9keQ==\n";

/** What the pod may have, and what Peili's memory must stay below. */
export const MEMORY_BYTES: number = 128 << 20;

/** How long a start may take on a busy machine. */
const READY_MS = 30_000;

/** The container that runs; its log is where the log of a node's Peili is. */
export const PEILI = "peili";

const ROOT = { user: 0, group: 0 };

/** Nobody of this machine, in the group that containerd's socket has. */
const NOBODY = { user: 65532, group: 0 };

/** What of a node Peili sees: at the node's own paths, so that it names those. */
function mountsOf(
  { containerd, path }: Node,
): Record<"socket" | "content" | "hosts" | "secret", PodMount> {
  const mount = (hostPath: string, containerPath = hostPath) => ({
    hostPath,
    containerPath,
    readonly: true,
  });
  return {
    socket: { ...mount(dirname(containerd.socket)), follows: true },
    content: mount(containerd.contentPath),
    hosts: mount(containerd.hostsPath),
    secret: mount(join(path, "secret"), "/etc/peili"),
  };
}

/**
 * The image's entry point, with less than all commands need together. Paths take
 * the place of those that the set has.
 */
function commandOf(
  set: string,
  { read, write }: { read?: readonly string[]; write: readonly string[] },
): string[] {
  return [
    ...["/usr/bin/deno", "run", "--quiet", "--no-prompt", "--cached-only"],
    ...["--no-lock", `-P=${set}`],
    ...(read ? [`--allow-read=${read.join()}`] : []),
    ...[`--allow-write=${write.join()}`, "/peili/peili.js"],
  ];
}

/** Makes a folder what it is on a node that systemd has started: shared. */
async function shareMounts(folder: string): Promise<void> {
  if (mountsBelow(dirname(folder)).includes(folder)) return;
  await runCommand(["mount", "--bind", folder, folder]);
  await runCommand(["mount", "--make-shared", folder]);
}

/** Runs `configure` to its end, as an init container. */
async function configure(pod: Pod, node: Node): Promise<void> {
  const { hosts } = mountsOf(node);
  const { hostsPath } = node.containerd;
  await pod.init(restricted({
    name: "configure",
    image: PEILI_IMAGE,
    command: commandOf("configure", { read: [hostsPath], write: [hostsPath] }),
    args: [
      "configure",
      `--containerd-registry-config-path=${hostsPath}`,
      `--mirror-targets=${TARGETS.replaceAll("NODE_IP", node.ip)}`,
    ],
    ...ROOT,
    mounts: [{ ...hosts, readonly: false }],
  }));
}

/** Runs `restore` to its end, by the entry point, at the path that it permits. */
export async function restore(pod: Pod, node: Node): Promise<void> {
  const { hosts } = mountsOf(node);
  const containerPath = "/etc/containerd/certs.d";
  await pod.init(restricted({
    name: "restore",
    image: PEILI_IMAGE,
    args: ["restore"],
    ...ROOT,
    mounts: [{ ...hosts, containerPath, readonly: false }],
  }));
}

/** The container that runs; doctor looks at the same, with the same options. */
function runSpec(node: Node, peers: readonly string[]): ContainerSpec {
  const { socket, contentPath, hostsPath } = node.containerd;
  const read = [socket, contentPath, hostsPath, "/etc/peili"];
  return {
    name: PEILI,
    image: PEILI_IMAGE,
    command: commandOf("run", { read, write: [socket] }),
    args: ["run"],
    env: {
      PEILI_CONTAINERD_SOCK: socket,
      PEILI_CONTAINERD_CONTENT_PATH: contentPath,
      PEILI_CONTAINERD_REGISTRY_CONFIG_PATH: hostsPath,
      PEILI_MIRROR_ADDR: `:${HOST_PORT}`,
      PEILI_NODE_IP: node.ip,
      PEILI_STATIC_PEERS: peers.join(),
      PEILI_SECRET_FILE: "/etc/peili/secret",
    },
    ...NOBODY,
    mounts: Object.values(mountsOf(node)),
    memoryBytes: MEMORY_BYTES,
  };
}

/**
 * Runs `doctor` to its end and gives what it prints.
 *
 * @throws {Error} when anything is wrong; the message has its report.
 */
export async function doctorIn(
  pod: Pod,
  node: Node,
  peers: readonly string[],
): Promise<string> {
  const write = [node.containerd.socket];
  await pod.init(restricted({
    ...runSpec(node, peers),
    name: "doctor",
    command: commandOf("doctor", { write }),
    args: ["doctor"],
  }));
  return await pod.textOf("doctor");
}

/**
 * Starts Peili over an empty folder, beside the one that runs, and gives its
 * anonymous memory in bytes once it listens.
 */
export async function memoryAtStart(
  pod: Pod,
  node: Node,
  { name, env }: { name: string; env: Record<string, string> },
): Promise<number> {
  const { secret } = mountsOf(node);
  const addresses = ["mirror", "peer", "metrics"]
    .map((listener) => `--${listener}-addr=127.0.0.1:0`);
  await pod.run(restricted({
    name,
    image: PEILI_IMAGE,
    args: ["run", "--store=layout:/etc/peili", ...addresses],
    env,
    ...NOBODY,
    mounts: [secret],
  }));
  await waitFor(`${name} to be ready`, async () => {
    return (await pod.textOf(name)).includes('"msg":"ready"');
  }, { budgetMs: READY_MS, log: pod.logOf(name) });
  const usage = await pod.usage(name);
  await pod.stop(name);
  return usage?.anon ?? NaN;
}

/**
 * Starts Peili on a node, as the chart does: `configure` first, and then `run`
 * until it is ready.
 *
 * @param peers HOST:PORT of the peer listeners of all
 */
export async function startPeiliPod(
  node: Node,
  peers: readonly string[],
): Promise<Pod> {
  await using parts = new AsyncDisposableStack();
  const secret = join(node.path, "secret");
  await Deno.mkdir(secret, { recursive: true });
  await Deno.writeTextFile(join(secret, "secret"), SECRET);
  await shareMounts(dirname(node.containerd.socket));
  const pod = parts.use(await Pod.start(node, sandboxOnNode(node, "peili")));
  await configure(pod, node);
  await pod.run(restricted(runSpec(node, peers)));
  const url = `http://${node.ip}:${METRICS_PORT}/readyz`;
  await waitFor(`${node.name}'s pod to be ready`, async () => {
    return await node.httpStatus(url) === 200;
  }, { budgetMs: READY_MS, log: node.peiliLog });
  parts.move();
  return pod;
}
