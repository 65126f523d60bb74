/** One node's containerd: start, restart, kill. @module */
import { join } from "node:path/posix";
import { exists } from "./cache.ts";
import {
  containerdConfig,
  type ContainerdSettings,
} from "./containerd_config.ts";
import { type Cri, criAt } from "./cri.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { LabFolder } from "./folder.ts";
import { containerdFolder, type ContainerdVersion } from "./versions.ts";

/** How long a containerd may take until its socket answers. */
const START_MS = 20_000;

/** Where one containerd runs, and which. */
export interface ContainerdOptions {
  lab: LabFolder;
  /** The node's name, for errors. */
  node: string;
  namespace: string;
  /** Its files go below this folder. */
  folder: string;
  version: ContainerdVersion;
  settings: ContainerdSettings;
}

/** A containerd of the lab. */
export class Containerd {
  readonly version: ContainerdVersion;
  readonly socket: string;
  /** Its content store: holds blobs/ and ingest/. */
  readonly contentPath: string;
  /** Its certs.d. */
  readonly hostsPath: string;
  readonly log: string;
  readonly cri: Cri;
  readonly #options: ContainerdOptions;
  /** Its config.toml. */
  readonly config: string;
  #binaries = "";
  #daemon: Daemon | null = null;

  constructor(options: ContainerdOptions) {
    const { folder } = options;
    this.#options = options;
    this.version = options.version;
    this.socket = join(folder, "run/containerd.sock");
    this.contentPath = join(folder, "root/io.containerd.content.v1.content");
    this.hostsPath = join(folder, "hosts");
    this.log = join(folder, "containerd.log");
    this.config = join(folder, "config.toml");
    this.cri = criAt(this.socket);
  }

  /** The running process. */
  get daemon(): Daemon {
    if (!this.#daemon) throw new Error("Cannot use containerd: not started");
    return this.#daemon;
  }

  get pid(): number {
    return this.daemon.pid;
  }

  /** The path of its ctr. */
  get ctr(): string {
    return join(this.#binaries, "ctr");
  }

  /** Starts it and waits until CRI answers. */
  async start(): Promise<void> {
    const { lab, node, namespace, folder, version, settings } = this.#options;
    this.#binaries = await containerdFolder(version);
    const { config } = this;
    for (const name of ["hosts", "cni", "opt"]) {
      await Deno.mkdir(join(folder, name), { recursive: true });
    }
    if (!await exists(config)) { // a restart keeps what was changed in it
      const text = containerdConfig(version, folder, settings);
      await Deno.writeTextFile(config, text);
    }
    const argv = [join(this.#binaries, "containerd"), "--config", config];
    const name = `${node}'s containerd ${version}`;
    const { log } = this;
    this.#daemon = await startDaemon(lab, { name, argv, log, namespace });
    await this.#daemon.until("to answer", START_MS, async () => {
      return (await this.cri.version()) !== "";
    });
  }

  /** Changes its config.toml, which counts from its next start on. */
  async editConfig(edit: (text: string) => string): Promise<void> {
    const text = await Deno.readTextFile(this.config);
    await Deno.writeTextFile(this.config, edit(text));
  }

  /** Ends it with a signal and waits for its end. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    this.daemon.signal(signal);
    await this.daemon.ended(START_MS);
  }

  /** Ends it in order and starts it again on the same folder. */
  async restart(): Promise<void> {
    await this.daemon.stop();
    await this.start();
  }
}
