/** The check of peers' names. @module */

import { names } from "../../../src/doctor/checks/names.ts";
import { testCheck } from "../check_rows.ts";

/** A resolver that knows one name. */
function resolver(name: string): Promise<{ address: string }> {
  return name === "node-b"
    ? Promise.resolve({ address: "10.0.0.2" })
    : Promise.reject(new Error("ENOTFOUND"));
}

const NODE_C = [
  "getent hosts node-c",
  "# give node-c an address in DNS or /etc/hosts, or name the node by its address wherever Peili is told of it",
];

testCheck("names", (facts) => names(facts, resolver), [
  {
    name: "sees addresses",
    verdict: "ok",
    saw: ["peers are named by address"],
  },
  {
    name: "sees IPv6 addresses",
    given: ({ options }) => void (options.staticPeers = ["[fd00::1]:5002"]),
    verdict: "ok",
    saw: ["peers are named by address"],
  },
  {
    name: "resolves names",
    given: ({ options }) => void (options.staticPeers = ["node-b:5002"]),
    verdict: "ok",
    saw: ["node-b resolve"],
  },
  {
    name: "looks at the names of routers, too",
    given({ options }) {
      options.staticPeers = [];
      options.staticBootstrapPeers = ["/dns/node-c/tcp/5001"];
    },
    verdict: "problem",
    saw: ["the name node-c does not resolve on this node"],
    fix: NODE_C,
  },
  {
    name: "looks at the name of who is asked at /id",
    given({ options }) {
      options.staticPeers = [];
      options.httpBootstrapPeer = "http://node-c:5003";
    },
    verdict: "problem",
    saw: ["the name node-c does not resolve on this node"],
    fix: NODE_C,
  },
  {
    name: "names one that is unknown",
    given: ({ options }) =>
      void (options.staticPeers = ["node-b:5002", "node-c:5002"]),
    verdict: "problem",
    saw: ["the name node-c does not resolve on this node"],
    fix: NODE_C,
  },
]);
