/** The check of who is named. @module */

import { bootstrap } from "../../../src/doctor/checks/bootstrap.ts";
import { testCheck } from "../check_rows.ts";
import { byDns, type FakeNode } from "../fake_node.ts";

const FLAGS =
  "--static-peers, --dns-bootstrap-domain, --http-bootstrap-peer, --static-bootstrap-peers";
const DNS = [
  "getent ahosts peers.example.",
  "# --dns-bootstrap-domain must be a name with the address of every node: that of a headless Service (clusterIP: None, publishNotReadyAddresses: true) whose selector matches Peili's pods, in their namespace",
];

/** Nodes are found by DNS, which names these. */
const naming = (named: FakeNode["named"]) => (node: FakeNode): void => {
  byDns(node);
  node.named = named;
};

testCheck("bootstrap", bootstrap, [
  { name: "sees a list", verdict: "ok", saw: ["2 nodes are listed"] },
  {
    name: "warns of a node that is told of nobody",
    given: ({ options }) => void (options.staticPeers = []),
    verdict: "warning",
    saw: ["no other node is named: this one works alone"],
    fix: [`# give Peili one of ${FLAGS}, on every node`],
  },
  {
    name: "names options that contradict each other",
    given: ({ options }) => void (options.dnsBootstrapDomain = "x.example."),
    verdict: "problem",
    saw: [
      "Cannot tell how nodes find each other: --static-peers and --dns-bootstrap-domain are given; --bootstrap-kind says which counts, static-peers or dns",
    ],
    fix: [`# give Peili one of ${FLAGS}`],
  },
  {
    name: "sees what DNS names",
    given: byDns,
    verdict: "ok",
    saw: ["peers.example. names 2 nodes"],
  },
  {
    name: "names a name without an address",
    given: naming([]),
    verdict: "problem",
    saw: ["peers.example. names no node"],
    fix: DNS,
  },
  {
    name: "warns of a name with this node's address only",
    given: naming(["/ip4/10.0.0.1/tcp/5001"]),
    verdict: "warning",
    saw: ["peers.example. names this node only"],
    fix: DNS,
  },
  {
    name: "names a DNS server that does not answer",
    given: naming(
      new Error("Cannot look peers.example. up", { cause: new Error("late") }),
    ),
    verdict: "problem",
    saw: [
      "peers.example. says nothing: Cannot look peers.example. up: late",
    ],
    fix: DNS,
  },
  {
    name: "names a node that is asked and does not answer",
    given(node) {
      node.options.staticPeers = [];
      node.options.httpBootstrapPeer = "http://10.0.0.2:5003";
      node.named = new Error("refused");
    },
    verdict: "problem",
    saw: ["http://10.0.0.2:5003 says nothing: refused"],
    fix: [
      "curl -sS http://10.0.0.2:5003/id",
      "# --http-bootstrap-peer must be another node's --http-bootstrap-addr, or a Service before all of them",
    ],
  },
]);
