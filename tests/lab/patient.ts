/** A node of the lab with its doctor, whose advice is taken to the letter. @module */
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import type { CheckResult } from "../../src/doctor/check.ts";
import { type Fix, fixLines } from "../../src/doctor/fix.ts";
import type { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { flagArguments, type PeiliFlags } from "./peili_command.ts";

/** What doctor says with `--json`. */
export interface Report {
  exitCode: number;
  checks: CheckResult[];
}

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Options that doctor has as `run` has them. */
const SHARED = new Set([
  "--containerd-sock",
  "--containerd-namespace",
  "--containerd-content-path",
  "--containerd-registry-config-path",
  "--mirror-addr",
  "--peer-addr",
  "--metrics-addr",
  "--bootstrap-kind",
  "--dns-bootstrap-domain",
  "--network",
  "--router-addr",
  "--secret-file",
  "--static-bootstrap-peers",
  "--static-peers",
]);

/** The secret of every patient's deployment. */
const SECRET = "known to all nodes of the lab\n";

/** One node. */
export class Patient {
  readonly node: Node;
  readonly #lab: Lab;
  /** Its Peili's flags when all is as it should be. */
  readonly #usual: PeiliFlags;
  #flags: PeiliFlags;
  #told: PeiliFlags;
  #config = "";

  /** @param flags Of its Peili, beside the lab's */
  constructor(lab: Lab, node: Node, flags: PeiliFlags = {}) {
    this.#lab = lab;
    this.node = node;
    this.#usual = {
      ...flags,
      // Where a chart has it, so that other nodes reach it, too.
      "mirror-addr": "0.0.0.0:30020",
      "secret-file": join(node.path, "peili/secret"),
    };
    this.#flags = this.#told = this.#usual;
  }

  /** Where containerd is to ask. */
  get target(): string {
    return `http://${this.node.ip}:30020`;
  }

  /** Starts Peili, makes `peili` and `systemctl` commands, and configures. */
  async begin(): Promise<void> {
    const { containerd } = this.node;
    this.#config = await Deno.readTextFile(containerd.config);
    await Deno.mkdir(this.#bin, { recursive: true });
    const main = `${Deno.execPath()} run -A --no-lock --quiet` +
      ` --config=${ROOT}/deno.json ${ROOT}/main.ts`;
    await this.#script("peili", `exec ${main} "$@"`);
    // No unit of systemd here: the lab restarts what is asked for.
    await this.#script("systemctl", `echo "$@" >> ${this.#asked}`);
    await Deno.mkdir(join(this.node.path, "peili"), { recursive: true });
    await Deno.writeTextFile(`${this.#usual["secret-file"]}`, SECRET);
    await this.node.startPeili(this.#flags);
    await this.cure();
  }

  get #bin(): string {
    return join(this.node.path, "bin");
  }

  get #asked(): string {
    return join(this.node.path, "systemctl-asked");
  }

  async #script(name: string, text: string): Promise<void> {
    const path = join(this.#bin, name);
    await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`);
    await Deno.chmod(path, 0o755);
  }

  /** Makes everything as it should be. */
  async cure(): Promise<void> {
    const { containerd } = this.node;
    if (await Deno.readTextFile(containerd.config) !== this.#config) {
      await containerd.editConfig(() => this.#config);
      await containerd.restart();
    }
    if (this.#flags !== this.#usual) await this.restartPeili(this.#usual);
    await Deno.remove(containerd.hostsPath, { recursive: true });
    await this.sh(this.configure(this.target));
  }

  /** The command that names a mirror in hosts.toml. */
  configure(target: string): string {
    const { hostsPath } = this.node.containerd;
    return `peili configure --mirror-targets=${target} ` +
      `--containerd-registry-config-path=${hostsPath}`;
  }

  /** Runs a shell's text on the node. */
  async sh(text: string): Promise<string> {
    const env = { PATH: `${this.#bin}:${Deno.env.get("PATH")}` };
    return await this.node.exec(["sh", "-e"], { stdin: text, env });
  }

  /**
   * Starts Peili again with these flags on top of the usual.
   *
   * @param told Whether doctor is told the same.
   */
  async restartPeili(
    flags: PeiliFlags,
    { told = true }: { told?: boolean } = {},
  ): Promise<void> {
    const { containerd: { hostsPath } } = this.node;
    const usual = this.#usual;
    this.#flags = flags === usual ? usual : { ...this.#flags, ...flags };
    this.#told = told ? this.#flags : usual;
    await this.node.stopPeili();
    // Starting writes a hosts.toml of the lab's own, which is not wanted here.
    const before = await namesIn(hostsPath);
    await this.node.startPeili(this.#flags);
    for (const name of await namesIn(hostsPath)) {
      if (before.includes(name)) continue;
      await Deno.remove(join(hostsPath, name), { recursive: true });
    }
    await this.node.peiliReady();
  }

  /** Asks doctor. */
  async doctor(...args: string[]): Promise<Report> {
    const text = await this.sh(`${this.#command(args)} --json || true`);
    return JSON.parse(text);
  }

  #command(args: readonly string[]): string {
    const { node } = this;
    const { socket, contentPath, hostsPath, config } = node.containerd;
    const ips = this.#lab.nodes.map(({ ip }) => ip);
    const dataPath = join(node.path, "peili");
    const place = { ip: node.ip, socket, contentPath, hostsPath, dataPath };
    const all = flagArguments({ ...place, ips }, this.#told);
    const shared = all.flatMap((flag, i) =>
      SHARED.has(flag) ? [`${flag}=${all[i + 1]}`] : []
    );
    return ["peili doctor", ...shared, `--containerd-config=${config}`, ...args]
      .join(" ");
  }

  /** Does what a fix says. */
  async take(fix: Fix): Promise<void> {
    await Deno.writeTextFile(this.#asked, "");
    await this.sh(fixLines(fix).join("\n"));
    const asked = await Deno.readTextFile(this.#asked);
    if (asked.includes("restart containerd")) {
      // Not by the lab's own text: what is on the disk counts.
      await this.node.containerd.editConfig((text) => text);
      await this.node.containerd.restart();
    }
    const options = fix.filter((step) => step.kind === "option");
    if (options.length > 0) {
      await this.restartPeili(Object.fromEntries(
        options.map(({ flag, value }) => [flag.replace(/^--/, ""), value]),
      ));
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names;
}
