/**
 * The lab's network: a switch in a namespace of its own, and one namespace
 * per host. Nothing here touches the network of the machine itself.
 *
 * @module
 */
import { runCommand } from "./command.ts";
import type { LabFolder } from "./folder.ts";

/** One host to be plugged into the switch. */
export interface Plug {
  name: string;
  ip: string;
}

/** The registry's host has number 2, node I has number 10 + I. */
export function addressOf(net: number, host: number): string {
  return `10.99.${net}.${host}`;
}

/** The name of the switch's namespace. */
export function switchOf(prefix: string): string {
  return `${prefix}switch`;
}

/** The switch's port for a host. Interface names have 15 characters at most. */
export function portOf(name: string): string {
  return `p-${name}`;
}

/** Runs lines of `ip` inside a namespace. */
async function ipBatch(namespace: string, lines: string[]): Promise<void> {
  await runCommand(["ip", "-netns", namespace, "-batch", "-"], {
    stdin: lines.join("\n") + "\n",
  });
}

/** Makes the namespaces, the switch, and a cable from it to every host. */
export async function makeNetwork(
  { state: { prefix } }: LabFolder,
  plugs: readonly Plug[],
): Promise<void> {
  const center = switchOf(prefix);
  const names = [center, ...plugs.map(({ name }) => prefix + name)];
  await runCommand(["ip", "-batch", "-"], {
    stdin: names.map((name) => `netns add ${name}\n`).join(""),
  });
  await ipBatch(center, [
    "link set lo up",
    "link add br0 type bridge",
    "link set br0 up",
    ...plugs.flatMap(({ name }) => [
      `link add ${
        portOf(name)
      } type veth peer name eth0 netns ${prefix}${name}`,
      `link set ${portOf(name)} master br0 up`,
    ]),
  ]);
  for (const { name, ip } of plugs) {
    await ipBatch(prefix + name, [
      "link set lo up",
      `addr add ${ip}/24 dev eth0`,
      "link set eth0 up",
    ]);
  }
}
