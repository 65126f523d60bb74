/** A mirror that runs beside a containerd: Peili, or a foreign one. @module */
import { join } from "node:path/posix";
import { VARIABLES } from "../../deploy/run_task.ts";
import { runCommand } from "./command.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { withResolvConf } from "./dns.ts";
import type { LabFolder } from "./folder.ts";
import { MIRROR_ADDRESS } from "./hosts.ts";
import type { Node } from "./node.ts";
import {
  METRICS_PORT,
  peiliCommand,
  type PeiliFlags,
  peiliScript,
} from "./peili_command.ts";
import { isListening, type Usage, usageOfFamily } from "./process.ts";

/** How long a mirror may take to answer. */
const START_MS = 20_000;

/** Where a mirror is asked how it is: URLs. */
export interface Probes {
  alive: string;
  /** Null for a foreign mirror, which cannot say. */
  ready: string | null;
}

/** A running mirror. */
export class MirrorProcess {
  readonly daemon: Daemon;
  readonly #node: Node;
  readonly #probes: Probes;

  constructor(daemon: Daemon, node: Node, probes: Probes) {
    this.daemon = daemon;
    this.#node = node;
    this.#probes = probes;
  }

  get pid(): number {
    return this.daemon.pid;
  }

  /**
   * Memory and processor time; null when it has ended. A foreign mirror may
   * be several processes below a shell: the sum of all.
   */
  rss(): Usage | null {
    if (this.#probes.ready === null) return usageOfFamily(this.daemon.id);
    return this.daemon.usage();
  }

  /** Waits until its port is open: whoever asks may still have to wait inside. */
  async listens(): Promise<void> {
    await this.daemon.until(`to listen at ${MIRROR_ADDRESS}`, START_MS, () => {
      return isListening(this.pid, MIRROR_ADDRESS);
    });
  }

  /** Waits until it answers, whatever it answers. */
  async answers(): Promise<void> {
    const { alive } = this.#probes;
    await this.daemon.until(`to answer at ${alive}`, START_MS, async () => {
      return await this.#node.httpStatus(alive) !== 0;
    });
  }

  /** Waits until it says that it is ready; a foreign mirror cannot say. */
  async ready(): Promise<void> {
    const { ready } = this.#probes;
    if (ready === null) return;
    await this.daemon.until("to be ready", START_MS, async () => {
      return await this.#node.httpStatus(ready) === 200;
    });
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.daemon.stop();
  }
}

let modules: Promise<unknown> | undefined;

/** Fetches once what Peili imports: a node's namespace reaches no registry. */
export async function fetchModules(): Promise<void> {
  modules ??= runCommand([
    Deno.execPath(),
    "cache",
    "--no-lock",
    peiliScript(),
  ]);
  await modules;
}

/** How one node's Peili is started. */
export interface PeiliStart {
  /** Addresses of all nodes. */
  ips: readonly string[];
  flags: PeiliFlags;
  /** The resolv.conf that it sees; absent: the machine's. */
  resolvConf?: string;
}

/** Starts Peili's process on a node, and does not wait for it. */
export async function launchPeili(
  lab: LabFolder,
  node: Node,
  { ips, flags, resolvConf }: PeiliStart,
): Promise<MirrorProcess> {
  await fetchModules();
  const { socket, contentPath, hostsPath } = node.containerd;
  const { ip, namespace, peiliLog: log } = node;
  const dataPath = join(node.path, "peili");
  await Deno.mkdir(dataPath, { recursive: true });
  const command = peiliCommand(
    { ip, socket, contentPath, hostsPath, dataPath, ips },
    flags,
  );
  const argv = resolvConf === undefined
    ? command
    : withResolvConf(resolvConf, command);
  const name = `${node.name}'s Peili`;
  const daemon = await startDaemon(lab, {
    name,
    argv,
    log,
    namespace,
    env: VARIABLES,
  });
  const metrics = flags.metricsAddr ?? flags["metrics-addr"] ??
    `${ip}:${METRICS_PORT}`;
  const base = `http://${metrics}`;
  const probes = { alive: `${base}/livez`, ready: `${base}/readyz` };
  return new MirrorProcess(daemon, node, probes);
}

/**
 * Starts a foreign mirror by a shell command, and does not wait for it. The
 * command finds NODE, N, NODE_IP, NET, CSOCK,
 * CCONTENT and UPSTREAM in its environment.
 */
export async function launchForeign(
  lab: LabFolder,
  node: Node,
  { command, count, registry }: {
    command: string;
    count: number;
    registry: string;
  },
): Promise<MirrorProcess> {
  const { namespace, ip, number, containerd } = node;
  const daemon = await startDaemon(lab, {
    name: `${node.name}'s mirror`,
    argv: ["sh", "-c", command],
    log: join(node.path, "mirror.log"),
    namespace,
    env: {
      NODE: String(number),
      N: String(count),
      NODE_IP: ip,
      NET: ip.split(".").slice(0, 3).join("."),
      CSOCK: containerd.socket,
      CCONTENT: containerd.contentPath,
      UPSTREAM: registry,
    },
  });
  const probes = { alive: `http://${MIRROR_ADDRESS}/v2/`, ready: null };
  return new MirrorProcess(daemon, node, probes);
}
