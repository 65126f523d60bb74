/** The check of the other nodes. @module */

import { peers } from "../../../src/doctor/checks/peers.ts";
import { testCheck } from "../check_rows.ts";
import { type FakeNode, otherAnswers, peerAnswers } from "../fake_node.ts";

/** A third node, which answers. */
function three({ options, web }: FakeNode): void {
  options.staticPeers = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    .map((host) => `${host}:5002`);
  web.set("10.0.0.3:5002/peili/v1/peer", peerAnswers("c"));
}

const START = "# start Peili there, or leave it out of every --static-peers";
const STRANGER =
  "a Peili with another secret, another network or another time of day answers at 10.0.0.2:5002";
const SECRET = [
  "# on every node: --network=peili, and PATH/secret with one content",
  "sha256sum PATH/secret",
  "date -u",
];

/** A Peili that does not know this node. */
function refuses(): Response {
  return new Response("not of us", { status: 401 });
}

testCheck("peers", peers, [
  { name: "sees all", verdict: "ok", saw: ["1 of 1 other nodes answer"] },
  {
    name: "says that there are none",
    given: ({ options }) => void (options.staticPeers = []),
    verdict: "skipped",
    saw: ["no peers are named"],
  },
  {
    name: "lets a node be alone",
    given: ({ options }) => void (options.staticPeers = ["10.0.0.1:5002"]),
    verdict: "ok",
    saw: ["0 of 0 other nodes answer"],
  },
  {
    name: "warns of one that is away",
    given(node) {
      three(node);
      node.web.delete("10.0.0.2:5002/peili/v1/peer");
    },
    verdict: "warning",
    saw: ["nobody answers at 10.0.0.2:5002; 1 of 2 other nodes answer"],
    fix: ["curl -sS http://10.0.0.2:5002/peili/v1/peer", START],
  },
  {
    name: "warns of one that is something else",
    given(node) {
      three(node);
      node.web.set("10.0.0.2:5002/peili/v1/peer", otherAnswers);
    },
    verdict: "warning",
    saw: [
      "another program answers at 10.0.0.2:5002; 1 of 2 other nodes answer",
    ],
    fix: ["curl -sS http://10.0.0.2:5002/peili/v1/peer", START],
  },
  {
    name: "names a node that finds nobody but itself",
    given: ({ web }) => void web.delete("10.0.0.2:5002/peili/v1/peer"),
    verdict: "problem",
    saw: ["nobody answers at 10.0.0.2:5002"],
    fix: ["curl -sS http://10.0.0.2:5002/peili/v1/peer", START],
  },
  {
    name: "warns of another secret at one",
    given(node) {
      three(node);
      node.web.set("10.0.0.2:5002/peili/v1/peer", refuses);
    },
    verdict: "warning",
    saw: [`${STRANGER}; 1 of 2 other nodes answer`],
    fix: SECRET,
  },
  {
    name: "names another secret at all",
    given: ({ web }) => void web.set("10.0.0.2:5002/peili/v1/peer", refuses),
    verdict: "problem",
    saw: [STRANGER],
    fix: SECRET,
  },
  {
    name: "names the port when all have the wrong one",
    given: ({ options }) =>
      void (options.staticPeers = ["10.0.0.1:5999", "10.0.0.2:5999"]),
    verdict: "problem",
    saw: [
      "nobody answers at 10.0.0.1:5999, nobody answers at 10.0.0.2:5999",
    ],
    fix: [
      "# give Peili --static-peers=10.0.0.1:5002,10.0.0.2:5002 (PEILI_STATIC_PEERS=10.0.0.1:5002,10.0.0.2:5002), restart it",
    ],
  },
]);
