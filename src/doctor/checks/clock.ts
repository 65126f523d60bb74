/** This node's clock agrees with the others'. @module */

import { type Check, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { run } from "../fix.ts";

/** Before this Peili was not written: the clock was never set. */
const BUILT = Date.UTC(2026, 0, 1);

/**
 * Milliseconds from which on two clocks differ. HTTP tells whole seconds, and
 * what Peili and containerd compare across nodes lasts minutes.
 */
const SKEW_MS = 30_000;

const FIX = [run("chronyc makestep || systemctl restart systemd-timesyncd")];

/** Checks the clock. */
export function clock(facts: Facts, now: () => number = Date.now): Check {
  return {
    name: "clock",
    async run() {
      const here = new Date(now()).toISOString();
      if (now() < BUILT) {
        const saw = `it says ${here}: no certificate is valid then`;
        return [problem(saw, FIX)];
      }
      const skews = await Promise.all(
        facts.options.staticPeers.map(async (address) => {
          const who = await facts.who(address);
          return who.kind === "peer" && who.date !== null
            ? [{ address, ms: who.date - now() }]
            : [];
        }),
      );
      const off = skews.flat().filter(({ ms }) => Math.abs(ms) > SKEW_MS);
      const compared = skews.flat().length;
      if (compared === 0) {
        return [ok(`it says ${here}; no peer to compare with`)];
      }
      if (off.length === 0) return [ok(`it agrees with ${compared} peers`)];
      const saw = off.map(({ address, ms }) =>
        `${Math.round(Math.abs(ms) / 1000)} s ${
          ms > 0 ? "behind" : "ahead of"
        } ${address}`
      );
      return [warning(`it is ${saw.join(", ")}`, FIX)];
    },
  };
}
