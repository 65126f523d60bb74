/** A node whose Peili is gone does not hold pulls up. @module */

import { isAtLeast } from "../../hosts/cri_settings.ts";
import { type Check, ok, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { configureHosts } from "../remedies.ts";

/** containerd knows the key since then; before, it waits 30 s. */
const KNOWN_SINCE = "2.1";

/**
 * Milliseconds beyond which a mirror that is away is felt: each request of a
 * pull waits that long.
 */
const LONG_MS = 5_000;

/** Checks `dial_timeout`. */
export function dialTimeout(facts: Facts): Check {
  return {
    name: "dial-timeout",
    async run() {
      const version = await facts.version();
      const { ownHosts } = await facts.mirrors();
      const hosts = (await facts.folders()).flatMap((folder) =>
        ownHosts(folder).map((host) => ({ ...host, path: folder.path }))
      );
      if (!isAtLeast(version, KNOWN_SINCE)) {
        return [
          ok(`containerd ${version} has none: it tries an address for 30 s`),
        ];
      }
      const slow = hosts.filter(({ dialTimeout }) =>
        !(goDurationMs(dialTimeout) <= LONG_MS)
      );
      if (slow.length === 0) return [ok("a mirror that is away is left soon")];
      const fix = await configureHosts(facts);
      return slow.map(({ url, path, dialTimeout = "not set, so 30s" }) =>
        warning(
          `${path}/hosts.toml, host ${url}: dial_timeout is ${dialTimeout}`,
          fix,
        )
      );
    },
  };
}

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  "µs": 0.001,
  ns: 0.000001,
};

/** NaN for what is no duration; containerd ignores such a file as a whole. */
function goDurationMs(text = ""): number {
  if (!/^(?:[0-9.]+(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return NaN;
  const parts = text.matchAll(/([0-9.]+)(h|ms|m|s|us|µs|ns)/g);
  return Array.from(
    parts,
    ([, count = "", unit = ""]) => Number(count) * (UNITS[unit] ?? NaN),
  ).reduce((a, b) => a + b, 0);
}
