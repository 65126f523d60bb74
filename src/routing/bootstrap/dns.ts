/**
 * The bootstrap kind `dns`: every address of a name, such as that of a headless
 * Service, is a node.
 *
 * @module
 */

import type { Bootstrap } from "./bootstrap.ts";
import { formatMultiaddr } from "./multiaddr.ts";

/** What DNS is asked, and how. */
export interface DnsBootstrapOptions {
  /** The name. With a dot at its end, no search domain is tried. */
  readonly domain: string;
  /** Port of the routers; DNS does not tell any. */
  readonly port: number;
  /**
   * Asks for records of one type.
   *
   * @default {Deno.resolveDns}
   */
  readonly resolve?: Resolve;
}

/** Asks DNS for the addresses of a name. */
export type Resolve = (
  domain: string,
  type: "A" | "AAAA",
  options: { readonly signal: AbortSignal },
) => Promise<readonly string[]>;

/**
 * Makes the bootstrap.
 *
 * It asks with `Deno.resolveDns`: that reads resolv.conf each time and caches
 * nothing, tries search domains, and turns to TCP for what UDP cuts off (300 A
 * and 100 AAAA records: 10 ms, against 20 to 100 ms with getaddrinfo, which
 * also cannot be ended). It says NotFound for SERVFAIL and REFUSED too, so what
 * is not found is not known to be nowhere. Without a signal it waits 15 s for a
 * server that is silent.
 *
 * @param options The name and the port
 * @returns The bootstrap
 */
export function dnsBootstrap(options: DnsBootstrapOptions): Bootstrap {
  const { domain, port, resolve = Deno.resolveDns } = options;

  async function addresses(
    type: "A" | "AAAA",
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    try {
      return await resolve(domain, type, { signal });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  return {
    kind: "dns",
    async find(signal) {
      const answers = await Promise.allSettled([
        addresses("A", signal),
        addresses("AAAA", signal),
      ]);
      const found = answers.flatMap((answer) =>
        answer.status === "fulfilled" ? answer.value : []
      );
      // One family's trouble is none while the other has addresses.
      const failed = answers.find((answer) => answer.status === "rejected");
      if (found.length === 0 && failed) {
        throw new Error(`Cannot look ${domain} up`, { cause: failed.reason });
      }
      const all = found.map((hostname) => formatMultiaddr({ hostname, port }));
      return [...new Set(all)];
    },
  };
}
