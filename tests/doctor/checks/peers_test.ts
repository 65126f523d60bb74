/** The check of the other nodes. @module */

import { peers } from "../../../src/doctor/checks/peers.ts";
import { testCheck } from "../check_rows.ts";
import { otherAnswers } from "../fake_node.ts";

testCheck("peers", peers, [
  { name: "sees all", verdict: "ok", saw: ["all 2 answer"] },
  {
    name: "says that there are none",
    given: ({ options }) => void (options.staticPeers = []),
    verdict: "skipped",
    saw: ["no peers are named"],
  },
  {
    name: "warns of one that is away",
    given: ({ web }) => void web.delete("10.0.0.2:5002/peili/v1/peer"),
    verdict: "warning",
    saw: ["nobody answers at 10.0.0.2:5002; 1 of 2 answer"],
    fix: [
      "curl -sS http://10.0.0.2:5002/peili/v1/peer",
      "# start Peili there, or leave it out of every --static-peers",
    ],
  },
  {
    name: "warns of one that is something else",
    given: ({ web }) =>
      void web.set("10.0.0.2:5002/peili/v1/peer", otherAnswers),
    verdict: "warning",
    saw: ["another program answers at 10.0.0.2:5002; 1 of 2 answer"],
    fix: [
      "curl -sS http://10.0.0.2:5002/peili/v1/peer",
      "# start Peili there, or leave it out of every --static-peers",
    ],
  },
  {
    name: "asks a person to look when all are away",
    given: ({ web }) => web.clear(),
    verdict: "problem",
    saw: [
      "nobody answers at 10.0.0.1:5002, nobody answers at 10.0.0.2:5002",
    ],
    fix: [
      "curl -sS http://10.0.0.1:5002/peili/v1/peer",
      "curl -sS http://10.0.0.2:5002/peili/v1/peer",
    ],
  },
  {
    name: "names another secret",
    given({ options, web }) {
      options.staticPeers = ["10.0.0.2:5002"];
      const refuses = () => new Response(null, { status: 401 });
      web.set("10.0.0.2:5002/peili/v1/peer", refuses);
    },
    verdict: "problem",
    saw: [
      "a Peili with another secret, another network or another time of day answers at 10.0.0.2:5002",
    ],
    fix: [
      "# on every node: --network=peili, and PATH/secret with one content",
      "sha256sum PATH/secret",
      "date -u",
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
