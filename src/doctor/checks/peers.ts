/** The other nodes are there, and are Peilis. @module */

import { type Check, ok, problem, skipped, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, run } from "../fix.ts";

/** The name of this check. */
export const PEERS = "peers";

/** Checks every peer that is named. */
export function peers(facts: Facts): Check {
  const { staticPeers: addresses, peerAddr } = facts.options;
  return {
    name: PEERS,
    async run() {
      if (addresses.length === 0) return [skipped("no peers are named")];
      const answers = await Promise.all(addresses.map(async (address) => ({
        address,
        ...await facts.who(address),
      })));
      const away = answers.filter(({ kind }) => kind !== "peer");
      const count = addresses.length - away.length;
      if (away.length === 0) return [ok(`all ${count} answer`)];
      const saw = away.map(({ address, kind }) =>
        kind === "other"
          ? `another program answers at ${address}`
          : `nobody answers at ${address}`
      ).join(", ");
      const right = addresses.filter((address) =>
        !away.some((one) => one.address === address)
      );
      if (count > 0) {
        return [
          warning(`${saw}; ${count} of ${addresses.length} answer`, [
            run(
              away.map(({ address }) => `curl -sS http://${address}/livez`)
                .join("\n"),
            ),
            option("--static-peers", right.join()),
          ]),
        ];
      }
      // All are wrong in one way: mostly the port.
      const moved = addresses.map((address) =>
        address.replace(/:\d+$/, `:${peerAddr.port}`)
      );
      return [problem(saw, [option("--static-peers", moved.join())])];
    },
  };
}
