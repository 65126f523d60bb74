/** A mirror that runs beside a containerd: Peili, or a foreign one. @module */
import { join } from "node:path/posix";
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
import { type Usage, usageOfFamily } from "./process.ts";

/** How long a mirror may take to answer. */
const START_MS = 20_000;

/** A running mirror. */
export class MirrorProcess {
  readonly daemon: Daemon;
  readonly #node: Node;
  readonly #probes: string | null;

  /** @param probes Where Peili says how it is; null for a foreign mirror. */
  constructor(daemon: Daemon, node: Node, probes: string | null) {
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
    if (this.#probes === null) return usageOfFamily(this.daemon.id);
    return this.daemon.usage();
  }

  /** Waits until it answers at all. */
  async answers(): Promise<void> {
    await this.#until("to answer", "/livez");
  }

  /** Waits until it says that it is ready; a foreign mirror cannot say. */
  async ready(): Promise<void> {
    await this.#until("to be ready", "/readyz");
  }

  async #until(what: string, path: string): Promise<void> {
    if (this.#probes === null) return;
    const url = this.#probes + path;
    await this.daemon.until(what, START_MS, async () => {
      return await this.#node.httpStatus(url) === 200;
    });
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.daemon.stop();
  }
}

/** Fetches once what Peili imports: a node's namespace reaches no registry. */
let modules: Promise<unknown> | undefined;

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
  modules ??= runCommand([
    Deno.execPath(),
    "cache",
    "--no-lock",
    peiliScript(),
  ]);
  await modules;
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
  const daemon = await startDaemon(lab, { name, argv, log, namespace });
  const metrics = flags.metricsAddr ?? flags["metrics-addr"] ??
    `${ip}:${METRICS_PORT}`;
  return new MirrorProcess(daemon, node, `http://${metrics}`);
}

/**
 * Starts a foreign mirror by a shell command and waits until it answers,
 * whatever it answers. The command finds NODE, N, NODE_IP, NET, CSOCK,
 * CCONTENT and UPSTREAM in its environment.
 */
export async function startForeign(
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
  await daemon.until(`to answer at ${MIRROR_ADDRESS}`, START_MS, async () => {
    return await node.httpStatus(`http://${MIRROR_ADDRESS}/v2/`) !== 0;
  });
  return new MirrorProcess(daemon, node, null);
}
