/** This node's clock agrees with the others'. @module */

import { MAX_SKEW_SECONDS } from "../../proof/proof.ts";
import { type Check, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { SET_CLOCK } from "../remedies.ts";

/** Before this Peili was not written: the clock was never set. */
const BUILT = Date.UTC(2026, 0, 1);

/**
 * Milliseconds from which on two clocks differ. HTTP tells whole seconds, and
 * what Peili and containerd compare across nodes lasts minutes.
 */
const SKEW_MS = 30_000;

/** Checks the clock. */
export function clock(facts: Facts, now: () => number = Date.now): Check {
  return {
    name: "clock",
    async run() {
      const here = new Date(now()).toISOString();
      if (now() < BUILT) {
        const saw = `it says ${here}: no certificate is valid then`;
        return [problem(saw, SET_CLOCK)];
      }
      const skews = await Promise.all(
        (await facts.peers()).map(async (address) => {
          const who = await facts.who(address);
          // One whose clock is too far away refuses this node.
          const known = who.kind === "peer" || who.kind === "stranger";
          return known && who.date !== null
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
      const refused = facts.options.secretFile !== "" &&
        off.some(({ ms }) => Math.abs(ms) > MAX_SKEW_SECONDS * 1_000);
      if (!refused) return [warning(`it is ${saw.join(", ")}`, SET_CLOCK)];
      const refuse = `beyond ${MAX_SKEW_SECONDS} s nodes refuse each other`;
      return [problem(`it is ${saw.join(", ")}: ${refuse}`, SET_CLOCK)];
    },
  };
}
