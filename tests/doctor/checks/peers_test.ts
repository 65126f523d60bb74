/** The check of the other nodes. @module */

import { peers } from "../../../src/doctor/checks/peers.ts";
import { testCheck } from "../check_rows.ts";
import {
  byDns,
  type FakeNode,
  otherAnswers,
  peerAnswers,
  refuses,
} from "../fake_node.ts";

/** A third node, which answers. */
function three({ options, web }: FakeNode): void {
  options.staticPeers = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    .map((host) => `${host}:5002`);
  web.set("10.0.0.3:5002/peili/v1/peer", peerAnswers("c"));
}

const START = "# start Peili there, or leave it out of every --static-peers";
const STRANGER = "a Peili with another secret answers at 10.0.0.2:5002";
const SECRET = [
  "# on every node: --network=peili, and PATH/secret with one content",
  "sha256sum PATH/secret",
  "date -u",
];

/** The other node refuses this one. */
const refusing = (reason: string) => ({ web }: FakeNode) =>
  void web.set("10.0.0.2:5002/peili/v1/peer", () => refuses(reason));

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
      refusing("no proof")(node);
    },
    verdict: "warning",
    saw: [`${STRANGER}; 1 of 2 other nodes answer`],
    fix: SECRET,
  },
  {
    name: "names another secret at all",
    given: refusing("wrong proof"),
    verdict: "problem",
    saw: [STRANGER],
    fix: SECRET,
  },
  {
    name: "names another network",
    given: refusing("another network"),
    verdict: "problem",
    saw: ["a Peili with another network answers at 10.0.0.2:5002"],
    fix: SECRET,
  },
  {
    name: "names another time of day",
    given: refusing("early proof"),
    verdict: "problem",
    saw: ["a Peili with another time of day answers at 10.0.0.2:5002"],
    fix: ["chronyc makestep || systemctl restart systemd-timesyncd"],
  },
  {
    name: "asks those that DNS names, at its own port",
    given: byDns,
    verdict: "ok",
    saw: ["1 of 1 other nodes answer"],
  },
  {
    name: "names those of DNS that do not answer",
    given(node) {
      byDns(node);
      node.web.delete("10.0.0.2:5002/peili/v1/peer");
    },
    verdict: "problem",
    saw: ["nobody answers at 10.0.0.2:5002"],
    fix: [
      "curl -sS http://10.0.0.2:5002/peili/v1/peer",
      "# start Peili there, or take its address out of what names it",
    ],
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
