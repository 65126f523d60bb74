/**
 * From options to a bootstrap.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  bootstrapOf,
  type BootstrapOptions,
  kindOf,
  type KindOptions,
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

const UNTOLD: KindOptions = {
  ...NOTHING,
  bootstrapKind: "",
  httpBootstrapAddr: "",
  staticPeers: [],
};
const LIST = ["10.0.0.1:5002"];

Deno.test.each<{ given: Partial<KindOptions>; kind: string | null }>([
  { given: {}, kind: null },
  { given: { dnsBootstrapDomain: "peers.example." }, kind: "dns" },
  { given: { httpBootstrapPeer: "http://10.0.0.1:5003" }, kind: "http" },
  { given: { httpBootstrapAddr: { hostname: "::", port: 1 } }, kind: "http" },
  { given: { staticBootstrapPeers: ["/ip4/10.0.0.1/tcp/1"] }, kind: "static" },
  { given: { staticPeers: LIST }, kind: "static-peers" },
  { given: { ...ALL, staticPeers: LIST, bootstrapKind: "http" }, kind: "http" },
  { given: { bootstrapKind: "dns" }, kind: "dns" },
])("kindOf() of $given is $kind", ({ given, kind }) => {
  assert.equal(kindOf({ ...UNTOLD, ...given }), kind);
});

Deno.test.each<{ given: Partial<KindOptions>; says: string }>([
  {
    given: { staticPeers: LIST, dnsBootstrapDomain: "peers.example." },
    says:
      "Cannot tell how nodes find each other: --static-peers and --dns-bootstrap-domain are given; --bootstrap-kind says which counts, static-peers or dns",
  },
  {
    given: ALL,
    says:
      "Cannot tell how nodes find each other: --dns-bootstrap-domain and --http-bootstrap-peer and --static-bootstrap-peers are given; --bootstrap-kind says which counts, dns or http or static",
  },
  {
    given: { bootstrapKind: "static-peers" },
    says: "Cannot use --bootstrap-kind static-peers: --static-peers is missing",
  },
])("kindOf() does not guess: $says", ({ given, says }) => {
  assert.throws(() => kindOf({ ...UNTOLD, ...given }), { message: says });
});
