/**
 * Asks who is at routers' addresses, as a guest who says nothing of itself.
 *
 * @module
 */

import { deadline } from "../../async/deadline.ts";
import { fromMultiaddr, type HostPort, splitAddress } from "./addresses.ts";
import { type Host, startHost } from "./host.ts";
import { newIdentity } from "./identity.ts";
import { multiaddr } from "./packages.ts";

/**
 * Who is at an address. A `stranger` took the connection and is none of this
 * network: it has another secret or another name, or is another program. `silent`
 * is who does not even refuse.
 */
export type RouterAnswer = "member" | "stranger" | "nobody" | "silent";

/** Which network is asked for. */
export interface AskRoutersOptions {
  /** Begins the names of its protocols. */
  readonly prefix: string;
  /** Key of the private network, 32 bytes; null: there is none. */
  readonly swarmKey: Uint8Array | null;
}

/** Milliseconds for TCP alone: a lost packet costs one second. */
const CONNECT_MS = 2_000;

/** Milliseconds for Noise, Yamux and the protocol, some 50 when nothing hurries. */
const UPGRADE_MS = 2_000;

/**
 * Asks routers, all at once.
 *
 * @param multiaddrs Where they may be
 * @param options Which network is asked for
 * @param signal Ends it
 * @returns Who is there, in the order of the addresses
 */
export async function askRouters(
  multiaddrs: readonly string[],
  { prefix, swarmKey }: AskRoutersOptions,
  signal: AbortSignal,
): Promise<RouterAnswer[]> {
  await using host = await startHost({
    identity: newIdentity(),
    listen: { host: "127.0.0.1", port: 0 },
    maxConnections: multiaddrs.length,
    swarmKey,
  });
  return await Promise.all(multiaddrs.map(async (address) => {
    const refused = await connects(address, signal);
    if (refused !== null) return refused;
    const protocol = `${prefix}/members/1.0.0`;
    return await speaks(host, { address, protocol }, signal);
  }));
}

/** Whether anybody takes a connection; null: somebody does. */
async function connects(
  address: string,
  signal: AbortSignal,
): Promise<"nobody" | "silent" | null> {
  const { host: hostname, port } = hostPort(address);
  using limit = deadline(signal, CONNECT_MS);
  try {
    (await Deno.connect({ hostname, port, signal: limit.signal })).close();
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return limit.signal.aborted ? "silent" : "nobody";
  }
}

async function speaks(
  host: Host,
  { address, protocol }: { address: string; protocol: string },
  signal: AbortSignal,
): Promise<"member" | "stranger"> {
  using limit = deadline(signal, UPGRADE_MS);
  try {
    const connection = await host.dial(address, limit.signal);
    const stream = await connection.newStream(protocol, limit);
    stream.abort(new Error("that was all"));
    await connection.close();
    return "member";
  } catch {
    return "stranger"; // Every way to fail says no more than that.
  }
}

function hostPort(address: string): HostPort {
  return splitAddress(fromMultiaddr(multiaddr(address)) ?? "");
}
