/**
 * From options to a bootstrap.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  bootstrapOf,
  type BootstrapOptions,
} from "../../../src/routing/bootstrap/kinds.ts";

const NOTHING = {
  dnsBootstrapDomain: "",
  httpBootstrapPeer: "",
  staticBootstrapPeers: [],
} as const;

const ALL: Omit<BootstrapOptions, "bootstrapKind"> = {
  dnsBootstrapDomain: "peers.example.",
  httpBootstrapPeer: "http://10.0.0.1:5003",
  staticBootstrapPeers: ["/ip4/10.0.0.1/tcp/5001"],
};

Deno.test.each(
  [
    { bootstrapKind: "dns", option: "--dns-bootstrap-domain" },
    { bootstrapKind: "http", option: "--http-bootstrap-peer" },
    { bootstrapKind: "static", option: "--static-bootstrap-peers" },
  ] as const,
)("bootstrapOf() makes $bootstrapKind of $option", (row) => {
  const { bootstrapKind, option } = row;
  assert.equal(bootstrapOf({ bootstrapKind, ...ALL }, 1).kind, bootstrapKind);
  assert.throws(() => bootstrapOf({ bootstrapKind, ...NOTHING }, 1), {
    message:
      `Cannot use --bootstrap-kind ${bootstrapKind}: ${option} is missing`,
  });
});
