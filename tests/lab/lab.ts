/**
 * The lab: real containerds of several versions, each in a network namespace
 * of its own, behind a switch, with a real registry as the upstream.
 *
 * ```ts ignore
 * await using lab = await Lab.up({ nodes: 3, containerd: ["1.6", "2.1"] });
 * const image = await lab.image("small"); // made and pushed when needed
 * await lab.startPeili();
 * await lab.node(1).pull(image);
 * await lab.cutUpstream();
 * await lab.node(2).pull(image); // from node 1
 * ```
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { cleanUp, cleanUpLeftovers } from "./cleanup.ts";
import type { ContainerdSettings } from "./containerd_config.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { LabFolder } from "./folder.ts";
import type { Traffic } from "./host.ts";
import type { ImageName } from "./image_catalogue.ts";
import { type ImageInfo, imageInfo } from "./images.ts";
import { checkMachine } from "./install.ts";
import { makeNetwork } from "./network.ts";
import type { PeiliStart } from "./mirror.ts";
import { Node, nodeAddress } from "./node.ts";
import type { PeiliFlags } from "./peili_command.ts";
import { Upstream } from "./upstream.ts";
import { containerdFolder, type ContainerdVersion } from "./versions.ts";

/** What a lab is to be. */
export interface LabOptions {
  nodes: number;
  /** Versions that the nodes take in turn. @default {["2.1"]} */
  containerd?: readonly ContainerdVersion[];
  settings?: ContainerdSettings;
}

/** Bytes over every cable since the lab came up. */
export interface LabTraffic {
  upstream: Traffic;
  /** The first is node 1. */
  nodes: Traffic[];
  /** What the registry sent: `upstream.tx`. */
  registrySent: number;
}

/** A running lab. Everything it made goes when it is disposed of. */
export class Lab implements AsyncDisposable {
  readonly folder: LabFolder;
  readonly upstream: Upstream;
  readonly nodes: readonly Node[];
  #caretaker: Daemon | null = null;

  private constructor(
    folder: LabFolder,
    upstream: Upstream,
    nodes: readonly Node[],
  ) {
    this.folder = folder;
    this.upstream = upstream;
    this.nodes = nodes;
  }

  /** Brings up a lab, after cleaning up what killed labs have left. */
  static async up(options: LabOptions): Promise<Lab> {
    await checkMachine();
    await cleanUpLeftovers();
    const versions = options.containerd ?? ["2.1"];
    for (const version of versions) await containerdFolder(version);
    const folder = LabFolder.create();
    const upstream = new Upstream(folder);
    const { nodes: count, settings = {} } = options;
    const nodes = Array.from({ length: count }, (_, i) => {
      const version = versions[i % versions.length] ?? "2.1";
      const number = i + 1;
      const lab = folder;
      return new Node({ lab, number, count, upstream, version, settings });
    });
    const lab = new Lab(folder, upstream, nodes);
    try {
      await lab.#start();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  async #start(): Promise<void> {
    const { folder, upstream, nodes } = this;
    const script = fileURLToPath(new URL("./caretaker.ts", import.meta.url));
    this.#caretaker = await startDaemon(folder, {
      name: "the caretaker",
      argv: [Deno.execPath(), "run", "-A", "--no-lock", script, folder.path],
      log: `${folder.path}/caretaker.log`,
    });
    await makeNetwork(folder, [
      upstream,
      ...nodes.map(({ name, number }) => ({
        name,
        ip: nodeAddress(folder, number),
      })),
    ]);
    await Promise.all([upstream, ...nodes].map((host) => host.start()));
  }

  /** Node `number`; the first is 1. */
  node(number: number): Node {
    const node = this.nodes[number - 1];
    if (!node) throw new RangeError(`Cannot get node ${number}: no such node`);
    return node;
  }

  /**
   * Gives the full name of an image of the catalogue, made and pushed to the
   * registry the first time.
   *
   * @param seed Gives an image with other bytes, which no node can have yet.
   */
  async image(name: ImageName, seed?: string): Promise<string> {
    return await this.upstream.push(await imageInfo(name, seed));
  }

  /** Digests and sizes of an image, pushed or not. */
  async imageInfo(name: ImageName, seed?: string): Promise<ImageInfo> {
    return await imageInfo(name, seed);
  }

  /**
   * Nobody reaches the registry. "reset" answers at once, as a registry that
   * is down; "drop" is silent, as a broken network: containerd waits 30 s.
   */
  async cutUpstream(how: "reset" | "drop" = "reset"): Promise<void> {
    await (how === "reset" ? this.upstream.reset() : this.upstream.cut());
  }

  /** Everybody reaches the registry again. */
  async healUpstream(): Promise<void> {
    await this.upstream.heal();
  }

  /** Counts the bytes over every cable. */
  async bytes(): Promise<LabTraffic> {
    const [upstream, ...nodes] = await Promise.all([
      this.upstream.traffic(),
      ...this.nodes.map((node) => node.traffic()),
    ]);
    return { upstream, nodes, registrySent: upstream.tx };
  }

  /** Starts Peili on every node and waits until all are ready. */
  async startPeili(
    flags: PeiliFlags = {},
    options: Pick<PeiliStart, "resolvConf"> = {},
  ): Promise<void> {
    await Promise.all(
      this.nodes.map((node) => node.startPeili(flags, options)),
    );
    await Promise.all(this.nodes.map((node) => node.peiliReady()));
  }

  /** Starts a foreign mirror on every node. */
  async startMirror(command: string): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.startMirror(command)));
  }

  /** Ends every process and removes namespaces, mounts and files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#caretaker?.kill();
    await cleanUp(this.folder.path);
  }
}
