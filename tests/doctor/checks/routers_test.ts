/** The check of other nodes' routers. @module */

import { routers } from "../../../src/doctor/checks/routers.ts";
import type { RouterAnswer } from "../../../src/routing/libp2p/ask_routers.ts";
import { testCheck } from "../check_rows.ts";
import { byDns, type FakeNode } from "../fake_node.ts";

const OTHER = "/ip4/10.0.0.2/tcp/5001";

/** The other node's router answers so. */
const being = (answer: RouterAnswer) => (node: FakeNode): void => {
  byDns(node);
  node.routers.set(OTHER, answer);
};

testCheck("routers", routers, [
  {
    name: "looks at none where all are listed",
    verdict: "ok",
    saw: ["none is needed: all nodes are listed"],
  },
  {
    name: "looks at none where nobody is named",
    given: ({ options }) => void (options.staticPeers = []),
    verdict: "skipped",
    saw: ["no routers are named"],
  },
  {
    name: "sees that others answer",
    given: byDns,
    verdict: "ok",
    saw: ["1 of 1 answer"],
  },
  {
    name: "leaves to another check that nobody is named",
    given(node) {
      byDns(node);
      node.named = new Error("late");
    },
    verdict: "skipped",
    saw: ["no routers are named"],
  },
  {
    name: "names a port that a firewall drops",
    given: being("silent"),
    verdict: "problem",
    saw: [`what is sent is dropped on the way to ${OTHER}`],
    fix: [
      "nc -vz -w 3 10.0.0.2 5001",
      "# let TCP port 5001 through between all nodes: a NetworkPolicy (kubectl get networkpolicy -A), a security group or a firewall (nft list ruleset) drops it, or the node is gone",
    ],
  },
  {
    name: "names a port where nobody listens",
    given: being("nobody"),
    verdict: "problem",
    saw: [`nobody listens at ${OTHER}`],
    fix: [
      "nc -vz -w 3 10.0.0.2 5001",
      "# start Peili there, with --router-addr=:5001",
    ],
  },
  {
    name: "names another secret",
    given: being("stranger"),
    verdict: "problem",
    saw: [
      `whoever answers has another secret, another network or is no Peili at ${OTHER}`,
    ],
    fix: [
      "# on every node: --network=peili, and PATH/secret with one content",
      "sha256sum PATH/secret",
      "date -u",
      "# of several secrets in the file, routers take the first line only",
    ],
  },
  {
    name: "warns of one of several",
    given(node) {
      being("silent")(node);
      (node.named as string[]).push("/ip4/10.0.0.3/tcp/5001");
      node.routers.set("/ip4/10.0.0.3/tcp/5001", "member");
    },
    verdict: "warning",
    saw: [`what is sent is dropped on the way to ${OTHER}; 1 of 2 answer`],
    fix: [
      "nc -vz -w 3 10.0.0.2 5001",
      "# let TCP port 5001 through between all nodes: a NetworkPolicy (kubectl get networkpolicy -A), a security group or a firewall (nft list ruleset) drops it, or the node is gone",
    ],
  },
]);
