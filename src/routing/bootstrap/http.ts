/**
 * The bootstrap kind `http`: a node says at `/id` where its router is, and
 * others ask there. What is said is libp2p's AddrInfo as JSON,
 * `{"ID": "12D3...", "Addrs": ["/ip4/10.0.0.1/tcp/5001"]}`, or a list of them.
 *
 * @module
 */

import { readText } from "../../async/read_text.ts";
import type { Bootstrap } from "./bootstrap.ts";
import { parseMultiaddr, splitId } from "./multiaddr.ts";

/** Where a node says who it is. */
export const ID_PATH = "/id";

/** Who is asked, and how. */
export interface HttpBootstrapOptions {
  /** URL without a path, of one node or of a Service. */
  readonly peer: string;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/** A node and where its router is. */
export interface AddrInfo {
  /** Its id. */
  readonly id: string;
  /** Multiaddrs, without or with its id. */
  readonly addresses: readonly string[];
}

/** Some 300 bytes a node; a list of all 1,000 is welcome, more is a mistake. */
const MAX_ID_BYTES = 512 << 10;

/**
 * Makes the bootstrap.
 *
 * @param options Who is asked
 * @returns The bootstrap
 */
export function httpBootstrap(options: HttpBootstrapOptions): Bootstrap {
  const { peer, fetcher = fetch } = options;
  return {
    kind: "http",
    async find(signal) {
      const url = new URL(ID_PATH, peer);
      const response = await fetcher(url, { signal });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`Cannot ask ${url}: status ${response.status}`);
      }
      try {
        return readAddresses(await readText(response.body, MAX_ID_BYTES));
      } catch (cause) {
        throw new Error(`Cannot read what ${url} says`, { cause });
      }
    },
  };
}

/**
 * Answers `/id`.
 *
 * @param self This node, asked each time
 * @returns A handler; 503 while it does not know where it can be reached
 */
export function idHandler(self: () => AddrInfo): () => Response {
  return () => {
    const { id, addresses } = self();
    const all = addresses.map((address) => splitId(address)[0]);
    const outside = all.filter((address) => !isLoopback(address));
    // On one machine, loopback is all that there is.
    const told = outside.length > 0 ? outside : all;
    if (told.length === 0) return new Response(null, { status: 503 });
    return Response.json({ ID: id, Addrs: told });
  };
}

/** Reads one AddrInfo or a list; what is no address is left out. */
function readAddresses(text: string): string[] {
  const value: unknown = JSON.parse(text);
  const infos = Array.isArray(value) ? value : [value];
  const all = infos.flatMap((info) => {
    const { ID: id, Addrs: addresses } = info ?? {};
    if (!Array.isArray(addresses)) return [];
    const end = typeof id === "string" && id !== "" ? `/p2p/${id}` : "";
    return addresses
      .filter((address) => typeof address === "string")
      .map((address) => parseMultiaddr(`${splitId(address)[0]}${end}`))
      .filter((address) => address !== null);
  });
  if (all.length === 0) throw new TypeError("it names no address");
  return [...new Set(all)];
}

function isLoopback(multiaddr: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/::1\//.test(multiaddr);
}
