/**
 * What the demo is told.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { describeError } from "../src/log.ts";

/** The demo's options. */
export interface DemoOptions {
  /** Nodes that pull at once; one more joins later. */
  readonly nodes: number;
  /** Bytes of the image that is made, unless one is given. */
  readonly imageBytes: number;
  /** An image of somebody's own; null: one is made. */
  readonly image: { readonly path: string; readonly ref: string } | null;
  /** What the registry sends at most, in Mbit/s, to all together. */
  readonly registryMbit: number;
  /** Leaves the folder there. */
  readonly keep: boolean;
}

/** What `--help` prints. */
export const HELP = `Usage: deno task demo [options]

Shows on this machine what Peili does: a registry, nodes that run Peili, and
image pulls, all on loopback, in a folder that is gone afterwards.

Options:
  --nodes <n>               nodes that pull at once, 1 to 20 (default: 5)
  --image-size <size>       size of the image that is made, such as 20MB or 1GB
                            (default: 100MB)
  --image <folder[:ref]>    an image of your own in an OCI image layout, such
                            as ./usb:docker.io/library/redis:7
  --registry-mbit <n>       what the registry sends at most, in Mbit/s
                            (default: 400)
  --keep                    leave the nodes' folders and logs, and say where
  -h, --help                print this
`;

/** Options that cannot be used; the message says which, and what is allowed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads the arguments.
 *
 * @param args The process's arguments
 * @returns The options; null when help is asked for
 * @throws {UsageError} If one cannot be used
 */
export function parseOptions(args: readonly string[]): DemoOptions | null {
  const { values } = parse(args);
  if (values.help) return null;
  return {
    nodes: numberOf("--nodes", values.nodes, [1, 20]),
    imageBytes: bytesOf(values["image-size"]),
    image: values.image === undefined ? null : imageOf(values.image),
    registryMbit: numberOf("--registry-mbit", values["registry-mbit"], [
      1,
      100_000,
    ]),
    keep: values.keep,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: "string", default: "5" },
        "image-size": { type: "string", default: "100MB" },
        image: { type: "string" },
        "registry-mbit": { type: "string", default: "400" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(describeError(error));
  }
}

function numberOf(
  flag: string,
  text: string,
  [least, most]: readonly [number, number],
): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${flag} is '${text}'; allowed: ${least} to ${most}`,
  );
}

const UNITS: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 };

/** Less is no picture, and more is a matter of hours: 1 MB to 20 GB. */
function bytesOf(text: string): number {
  const [, number, unit = ""] = /^([0-9]{1,5})\s*(kB|MB|GB)$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? NaN);
  if (bytes >= 1e6 && bytes <= 20e9) return bytes;
  throw new UsageError(
    `--image-size is '${text}'; allowed: 1MB to 20GB, such as 20MB or 1GB`,
  );
}

/** The first colon ends the folder: a reference may have several. */
function imageOf(text: string): { path: string; ref: string } {
  const [path = "", ref = ""] = text.split(/:(.*)/s);
  if (path !== "") return { path, ref };
  throw new UsageError(
    `--image is '${text}'; allowed: a folder, or a folder:reference`,
  );
}
