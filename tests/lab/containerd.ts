/** One node's containerd: start, restart, kill. @module */
import { join } from "node:path/posix";
import { exists } from "./cache.ts";
import {
  containerdConfig,
  type ContainerdSettings,
  pathsBelow,
  USUAL_PATHS,
} from "./containerd_config.ts";
import { type Cri, criAt } from "./cri.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { LabFolder } from "./folder.ts";
import { containerdFolder, type ContainerdVersion } from "./versions.ts";

/** How long a containerd may take until its socket answers. */
const START_MS = 20_000;

/**
 * Covers what the machine itself has of these folders, and mounts $1 as
 * config.toml and each FROM at its TO. Mounts are shared, as systemd has them on
 * a node, but with nobody outside.
 */
const KEEP_MOUNTS = `set -e
mount --make-rshared /
config=$1 done=$2
shift 2
for folder in /run /var/lib /etc/containerd
do mount -t tmpfs tmpfs "$folder"; done
touch /etc/containerd/config.toml
mount --bind "$config" /etc/containerd/config.toml
while [ $# -gt 0 ]
do mkdir -p "$2"; mount --bind "$1" "$2"; shift 2; done
touch "$done"
exec sleep infinity`;

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
  /** Keeps the mounts that it has alone. */
  #keeper: Daemon | null = null;

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
    for (const name of ["hosts", "cni", "opt", "root", "run"]) {
      await Deno.mkdir(join(folder, name), { recursive: true });
    }
    if (!await exists(config)) { // a restart keeps what was changed in it
      const text = containerdConfig(version, folder, settings);
      await Deno.writeTextFile(config, text);
    }
    if (settings.usualPaths) this.#keeper ??= await this.#keepMounts();
    const program = join(this.#binaries, "containerd");
    const argv = [...this.enter, program, "--config", config];
    const name = `${node}'s containerd ${version}`;
    const { log } = this;
    this.#daemon = await startDaemon(lab, { name, argv, log, namespace });
    await this.#daemon.until("to answer", START_MS, async () => {
      return (await this.cri.version()) !== "";
    });
  }

  /** What makes a command see the files that this containerd sees. */
  get enter(): readonly string[] {
    const keeper = this.#keeper;
    return keeper ? ["nsenter", `--mount=/proc/${keeper.pid}/ns/mnt`] : [];
  }

  /** Mounts its folders at the usual paths, in a mount namespace of its own. */
  async #keepMounts(): Promise<Daemon> {
    const { lab, node, namespace, folder } = this.#options;
    const binds = Object.entries(pathsBelow(folder)).flatMap(
      ([name, path]) => [path, USUAL_PATHS[name as keyof typeof USUAL_PATHS]],
    );
    const done = join(folder, "mounted");
    const keeper = await startDaemon(lab, {
      name: `${node}'s mounts`,
      argv: [
        ...["unshare", "--mount", "--propagation", "private", "sh", "-c"],
        ...[KEEP_MOUNTS, "sh", this.config, done, ...binds],
      ],
      log: join(folder, "mounts.log"),
      namespace,
    });
    await keeper.until("to be there", START_MS, () => exists(done));
    return keeper;
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
