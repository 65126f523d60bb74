/**
 * Where this node is: what the command `zone` asks its cluster and writes down,
 * and `run` reads. They are two, so that what serves the network has no token.
 *
 * @module
 */

import type { KubeApi } from "./kube/api.ts";
import type { Log } from "./log.ts";
import { zoneName } from "./option_text.ts";

/** What the command is told. */
export interface ZoneOptions {
  /** Name of the node. */
  readonly node: string;
  /** Its zone, where that is known without asking; else empty. */
  readonly zone: string;
  /** File that gets the zone; empty: none, the log has it. */
  readonly zoneFile: string;
}

/** What the command needs of other parts. */
export interface ZoneDeps {
  /** Opens the cluster's API, if it must be asked. */
  readonly openApi: () => Promise<KubeApi>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A zone has 63 characters at most; a byte more shows that it is none. */
const MAX_FILE_BYTES = 64;

/**
 * Asks for this node's zone and writes it down. What goes wrong is logged and no
 * more: a node must not be without its mirror for want of a zone. Then the file
 * stays as it is: what it said of this node was true.
 *
 * @param options Which node, and where to write
 * @param deps Where to ask
 */
export async function zoneCommand(
  options: ZoneOptions,
  { openApi, log, signal }: ZoneDeps,
): Promise<void> {
  const { node, zoneFile } = options;
  if (options.zone !== "") {
    log.info("the zone is known", { node, zone: options.zone });
    return;
  }
  try {
    const { nodeZone } = await import("./kube/node_zone.ts");
    using api = await openApi();
    const zone = zoneName(await nodeZone({ node }, api, signal));
    if (zoneFile !== "") await Deno.writeTextFile(zoneFile, zone);
    if (zone === "") log.info("the node has no zone", { node });
    else log.info("the node's zone", { node, zone });
  } catch (error) {
    log.warn("the zone cannot be found out", { node, error });
  }
}

/**
 * Reads what `zone` wrote.
 *
 * @param path The file
 * @param log Hears of what cannot be read
 * @returns The zone; empty where there is none, or no file
 */
export async function readZone(path: string, log: Log): Promise<string> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(MAX_FILE_BYTES);
    const size = await file.read(bytes) ?? 0;
    return zoneName(new TextDecoder().decode(bytes.subarray(0, size)).trim());
  } catch (error) {
    // Nobody wrote it, who has said why.
    if (error instanceof Deno.errors.NotFound) return "";
    log.warn("the zone cannot be read", { file: path, error });
    return "";
  }
}
