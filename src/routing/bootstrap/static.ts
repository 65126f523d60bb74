/**
 * The bootstrap kind `static`: nodes that are named in the configuration.
 *
 * @module
 */

import type { Bootstrap } from "./bootstrap.ts";

/**
 * Makes the bootstrap.
 *
 * @param peers Multiaddrs, as `parseMultiaddr()` gives them
 * @returns The bootstrap
 */
export function staticBootstrap(peers: readonly string[]): Bootstrap {
  const all = [...new Set(peers)];
  return { kind: "static", find: () => Promise.resolve(all) };
}
