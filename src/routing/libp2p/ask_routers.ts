/**
 * Asks who is at routers' addresses, as a guest who says nothing of itself.
 *
 * @module
 */

import { sleep } from "../../async/backoff.ts";
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

/** Milliseconds for Noise, Yamux and the protocol, all tries: one takes some 50. */
const UPGRADE_MS = 2_000;

/** Whoever asks now; see {@linkcode askRouters}. */
let asking: Promise<unknown> = Promise.resolve();

/**
 * Milliseconds between two tries: now and then a router hangs up on a connection
 * that it has just taken (EPIPE), and members try again, too.
 */
const AGAIN_MS = 300;

/**
 * Asks routers, all at once; who asks others meanwhile comes next. Of two guests
 * of one process at once one was hung up on in 3 of 3 runs among pods, of one
 * after the other in 2 of 7.
 *
 * @param multiaddrs Where they may be
 * @param options Which network is asked for
 * @param signal Ends it
 * @returns Who is there, in the order of the addresses
 */
export function askRouters(
  multiaddrs: readonly string[],
  options: AskRoutersOptions,
  signal: AbortSignal,
): Promise<RouterAnswer[]> {
  const answers = asking.then(() => askNow(multiaddrs, options, signal));
  asking = answers.catch(() => {/* whoever asked hears it */});
  return answers;
}

async function askNow(
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
    using limit = deadline(signal, UPGRADE_MS);
    while (!limit.signal.aborted) {
      if (await speaks(host, { address, protocol }, limit.signal)) {
        return "member";
      }
      await sleep(AGAIN_MS, limit.signal);
    }
    signal.throwIfAborted();
    return "stranger"; // Every way to fail says no more than that.
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

/** Whether somebody there speaks the network's protocol. */
async function speaks(
  host: Host,
  { address, protocol }: { address: string; protocol: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const connection = await host.dial(address, signal);
    const stream = await connection.newStream(protocol, { signal });
    stream.abort(new Error("that was all"));
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

function hostPort(address: string): HostPort {
  return splitAddress(fromMultiaddr(multiaddr(address)) ?? "");
}
