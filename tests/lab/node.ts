/** One node of the lab: a containerd, and the mirror beside it. @module */
import { join } from "node:path/posix";
import { exists } from "./cache.ts";
import { Containerd } from "./containerd.ts";
import type { ContainerdSettings } from "./containerd_config.ts";
import type { CriAuth } from "./cri.ts";
import { withoutCriPrefix } from "./cri_log.ts";
import type { LabFolder } from "./folder.ts";
import { Host } from "./host.ts";
import { hostsWithMirror, hostsWithoutMirror } from "./hosts.ts";
import { startForeign, startPeili } from "./mirror.ts";
import type { MirrorProcess } from "./mirror.ts";
import { addressOf } from "./network.ts";
import { METRICS_PORT, PEER_PORT, type PeiliFlags } from "./peili_command.ts";
import type { Upstream } from "./upstream.ts";
import type { ContainerdVersion } from "./versions.ts";

/** What a pull gave. */
export interface PullResult {
  ms: number;
  /** The image's id. */
  ref: string;
}

/** How to pull. */
export interface PullOptions {
  /** @default {120000} */
  budgetMs?: number;
  /** Credentials of the pod's pull secret. */
  auth?: CriAuth;
}

/** The containerd namespace that kubelet uses. */
const NAMESPACE = "k8s.io";

const PULL_MS = 120_000;

/** What a node is made of. */
export interface NodeOptions {
  lab: LabFolder;
  /** 1 for the first. */
  number: number;
  /** How many nodes the lab has. */
  count: number;
  upstream: Upstream;
  version: ContainerdVersion;
  settings: ContainerdSettings;
}

/** The address of node `number`. */
export function nodeAddress(lab: LabFolder, number: number): string {
  return addressOf(lab.state.net, 10 + number);
}

/** A node. */
export class Node extends Host {
  readonly number: number;
  readonly containerd: Containerd;
  readonly path: string;
  readonly peiliLog: string;
  readonly #options: NodeOptions;
  #mirror: MirrorProcess | null = null;

  constructor(options: NodeOptions) {
    const { lab, number, version, settings } = options;
    const name = `node${number}`;
    super(lab, name, nodeAddress(lab, number));
    this.#options = options;
    this.number = number;
    this.path = join(lab.path, name);
    this.peiliLog = join(this.path, "peili.log");
    this.containerd = new Containerd({
      lab,
      node: name,
      namespace: this.namespace,
      folder: this.path,
      version,
      settings,
    });
  }

  /** Starts its containerd, which knows the registry but no mirror yet. */
  async start(): Promise<void> {
    await this.writeHosts(hostsWithoutMirror(this.#options.upstream.url));
    await this.containerd.start();
  }

  /**
   * Pulls an image as kubelet does.
   *
   * @throws {Error} with containerd's message.
   */
  async pull(image: string, options: PullOptions = {}): Promise<PullResult> {
    const { budgetMs = PULL_MS, auth } = options;
    const start = performance.now();
    const ref = await this.containerd.cri.pullImage(image, {
      budgetMs,
      ...(auth && { auth }),
    });
    return { ms: performance.now() - start, ref };
  }

  /** Removes an image as kubelet does; containerd collects the content soon. */
  async removeImage(image: string): Promise<void> {
    await this.containerd.cri.removeImage(image);
  }

  /** Runs ctr and gives what it printed. */
  async ctr(
    args: readonly string[],
    { namespace = NAMESPACE }: { namespace?: string } = {},
  ): Promise<string> {
    const { ctr, socket } = this.containerd;
    return await this.exec([
      ...[ctr, "--address", socket, "--namespace", namespace],
      ...args,
    ]);
  }

  /** The names of the images that containerd has. */
  async images(options: { namespace?: string } = {}): Promise<string[]> {
    const text = await this.ctr(["images", "list", "--quiet"], options);
    return text.split("\n").filter(Boolean);
  }

  /** Whether a blob is committed in containerd's content store. */
  async hasBlob(digest: string): Promise<boolean> {
    const { contentPath } = this.containerd;
    return await exists(
      join(contentPath, "blobs", digest.replace(":", "/")),
    );
  }

  /** Imports an image archive, as `ctr images import` does. */
  async importArchive(
    path: string,
    options: { namespace?: string } = {},
  ): Promise<void> {
    await this.ctr(["images", "import", path], options);
  }

  /** Fetches every platform of an image, or an artifact, and unpacks nothing. */
  async fetchAll(
    image: string,
    options: { namespace?: string } = {},
  ): Promise<void> {
    const { hostsPath } = this.containerd;
    const hosts = ["--hosts-dir", hostsPath];
    const fetch = ["content", "fetch", ...hosts, "--all-platforms", image];
    await this.ctr(fetch, options);
  }

  /** ADDRESS:PORT where its Peili answers other Peilis. */
  get peerAddress(): string {
    return `${this.ip}:${PEER_PORT}`;
  }

  /** The value of one of Peili's metrics, its labels as Prometheus prints them. */
  async metric(series: string): Promise<number> {
    const url = `http://${this.ip}:${METRICS_PORT}/metrics`;
    const text = await this.exec(["curl", "-sS", "-f", url]);
    const line = text.split("\n").find((row) => row.startsWith(`${series} `));
    return Number(line?.slice(series.length));
  }

  /** Writes hosts.toml for the lab's registry, or for another name in certs.d. */
  async writeHosts(toml: string, registry?: string): Promise<void> {
    const { upstream } = this.#options;
    const name = registry ?? upstream.registry;
    const folder = join(this.containerd.hostsPath, name);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "hosts.toml"), toml);
  }

  /** The running mirror, or null. */
  get mirror(): MirrorProcess | null {
    return this.#mirror;
  }

  /** The running mirror: Peili, or a foreign one. */
  get peili(): MirrorProcess {
    const mirror = this.#mirror;
    if (!mirror) throw new Error(`Cannot use ${this.name}'s mirror: none runs`);
    return mirror;
  }

  /** Starts Peili, waits until it answers, and names it in hosts.toml. */
  async startPeili(flags: PeiliFlags = {}): Promise<void> {
    const { lab, count, upstream } = this.#options;
    const ips = Array.from(
      { length: count },
      (_, i) => nodeAddress(lab, i + 1),
    );
    await this.writeHosts(hostsWithMirror(upstream.url));
    this.#mirror = await startPeili(lab, this, { ips, flags });
  }

  /** Ends the mirror in order. hosts.toml stays: a refused mirror is normal. */
  async stopPeili(): Promise<void> {
    await this.#mirror?.stop();
    this.#mirror = null;
  }

  /** Starts a foreign mirror by a shell command. */
  async startMirror(command: string): Promise<void> {
    const { lab, count, upstream } = this.#options;
    const { registry } = upstream;
    await this.writeHosts(hostsWithMirror(upstream.url));
    this.#mirror = await startForeign(lab, this, { command, count, registry });
  }

  /** Waits until Peili says that it is ready. */
  async peiliReady(): Promise<void> {
    await this.peili.ready();
  }

  /** Peili's log. A line that is no JSON comes as `{ text: LINE }`. */
  async peiliLogs(): Promise<Record<string, unknown>[]> {
    if (!await exists(this.peiliLog)) return [];
    const text = await Deno.readTextFile(this.peiliLog);
    return text.split("\n").filter(Boolean).map((row) => {
      const line = withoutCriPrefix(row);
      try {
        return JSON.parse(line);
      } catch {
        return { text: line }; // a crash is printed by Deno, not by the logger
      }
    });
  }
}
