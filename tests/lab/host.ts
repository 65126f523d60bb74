/** One host of the lab: its namespace, its cable, and what happens to both. @module */
import { type CommandOptions, runCommand } from "./command.ts";
import { openFirewall, rulesetOf } from "./firewall.ts";
import type { LabFolder } from "./folder.ts";
import { portOf, switchOf } from "./network.ts";

/** Bytes that went over a host's cable, headers included. */
export interface Traffic {
  /** Sent by the host. */
  tx: number;
  /** Received by the host. */
  rx: number;
}

/** Rates of a cable in Mbit/s; 0 takes the limit away, absent leaves it. */
export interface Rates {
  /** What the host receives. */
  inMbit?: number;
  /** What the host sends. */
  outMbit?: number;
}

/** A host plugged into the lab's switch. */
export class Host {
  readonly name: string;
  readonly ip: string;
  /** The name of its network namespace. */
  readonly namespace: string;
  protected readonly folder: LabFolder;
  #firewall = openFirewall();

  constructor(folder: LabFolder, name: string, ip: string) {
    this.folder = folder;
    this.name = name;
    this.ip = ip;
    this.namespace = folder.state.prefix + name;
  }

  /** Runs a command in this host's network and gives what it printed. */
  async exec(
    argv: readonly string[],
    options: CommandOptions = {},
  ): Promise<string> {
    const enter = ["nsenter", `--net=/run/netns/${this.namespace}`, "--"];
    return await runCommand([...enter, ...argv], options);
  }

  /** The HTTP status that this host gets from a URL, or 0 when nobody answers. */
  async httpStatus(url: string, ...curlArgs: string[]): Promise<number> {
    const script = 'curl -sS -m 5 -o /dev/null -w "%{http_code}" "$@" || true';
    const argv = ["sh", "-c", script, "sh", ...curlArgs, url];
    return Number(await this.exec(argv));
  }

  /** Drops everything, or only what goes to and comes from one peer. */
  async cut(peer?: Host): Promise<void> {
    if (peer) this.#firewall.cutPeers.push(peer.ip);
    else this.#firewall.cut = "drop";
    await this.#load();
  }

  /** Answers everything with a reset: connections break at once. */
  async reset(): Promise<void> {
    this.#firewall.cut = "reset";
    await this.#load();
  }

  /** Makes connections from here to an address fail with a reset. */
  async refuse(ip: string, port: number): Promise<void> {
    this.#firewall.refused.push({ ip, port });
    await this.#load();
  }

  /** Drops what is sent to a port, here and from here, as a NetworkPolicy does. */
  async dropPort(port: number): Promise<void> {
    this.#firewall.dropped.push(port);
    await this.#load();
  }

  /** Loses a share of what this host receives. */
  async loss(percent: number): Promise<void> {
    this.#firewall.lossPercent = percent;
    await this.#load();
  }

  /** Takes cut, reset, refuse, dropped ports and loss away. Rates stay. */
  async heal(): Promise<void> {
    this.#firewall = openFirewall();
    await this.#load();
  }

  async #load(): Promise<void> {
    const stdin = rulesetOf(this.#firewall);
    await this.exec(["nft", "-f", "-"], { stdin });
  }

  /** Limits what this host sends and receives. */
  async rate({ inMbit, outMbit }: Rates): Promise<void> {
    const center = switchOf(this.folder.state.prefix);
    if (outMbit !== undefined) await shape(this.namespace, "eth0", outMbit);
    if (inMbit !== undefined) await shape(center, portOf(this.name), inMbit);
  }

  /** What went over the cable since the lab came up. */
  async traffic(): Promise<Traffic> {
    const show = ["ip", "-netns", this.namespace, "-stats", "-json"];
    const text = await runCommand([...show, "link", "show", "eth0"]);
    const { tx, rx } = JSON.parse(text)[0].stats64;
    return { tx: tx.bytes, rx: rx.bytes };
  }
}

/** Puts a token bucket on an interface: 256 KiB at once, then the rate. */
async function shape(
  namespace: string,
  device: string,
  mbit: number,
): Promise<void> {
  const qdisc = ["tc", "-netns", namespace, "qdisc"];
  const root = ["dev", device, "root"];
  if (mbit > 0) {
    const bucket = ["burst", "256kb", "latency", "400ms"];
    const rate = ["tbf", "rate", `${mbit}mbit`, ...bucket];
    await runCommand([...qdisc, "replace", ...root, ...rate]);
    return;
  }
  const shown = await runCommand([...qdisc, "show", "dev", device]);
  if (shown.includes("tbf")) await runCommand([...qdisc, "delete", ...root]);
}
