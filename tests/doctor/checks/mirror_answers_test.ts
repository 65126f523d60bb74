/** The check whether Peili answers. @module */

import { mirrorAnswers } from "../../../src/doctor/checks/mirror_answers.ts";
import { testCheck } from "../check_rows.ts";
import { otherAnswers, peiliAnswers } from "../fake_node.ts";

testCheck("mirrorAnswers", mirrorAnswers, [
  {
    name: "sees Peili",
    verdict: "ok",
    saw: ["Peili answers at http://10.0.0.1:30020"],
  },
  {
    name: "warns when Peili does not run",
    given: ({ web }) => web.clear(),
    verdict: "warning",
    saw: [
      "nobody answers at http://10.0.0.1:30020: Peili does not run here",
    ],
    fix: [
      "systemctl restart peili",
      "# or, in a cluster, look at its pod on this node",
    ],
  },
  {
    name: "names a node's port that does not lead to Peili",
    given: ({ web }) => void web.delete("10.0.0.1:30020/livez"),
    verdict: "problem",
    saw: ["nobody answers at http://10.0.0.1:30020, though Peili runs here"],
    fix: [
      "# let a port of the node (hostPort, 30020) lead to port 5000 of Peili's pod; the CNI needs its portmap plugin for that",
    ],
  },
  {
    name: "names a listener that the node's address does not reach",
    given({ web, options }) {
      web.delete("10.0.0.1:30020/livez");
      options.mirrorAddr = { hostname: "127.0.0.1", port: 5000 };
      // Named by hand, so that the loopback address is no candidate.
      options.nodeIp = ["10.0.0.1"];
    },
    verdict: "problem",
    saw: [/Peili is at http:\/\/127.0.0.1:5000$/],
    fix: [
      "peili configure --mirror-targets=http://127.0.0.1:5000 --loopback --containerd-registry-config-path=PATH/certs.d",
    ],
  },
  {
    name: "names where Peili is instead",
    given({ web }) {
      web.set("10.0.0.1:30020/livez", otherAnswers);
      web.set("10.0.0.1:5000/livez", peiliAnswers);
    },
    verdict: "problem",
    saw: [
      "another program answers at http://10.0.0.1:30020; Peili is at http://10.0.0.1:5000",
    ],
    fix: [
      "peili configure --mirror-targets=http://10.0.0.1:5000 --containerd-registry-config-path=PATH/certs.d",
    ],
  },
  {
    name: "leaves it to another check that nobody is named",
    given: ({ options }) =>
      Deno.remove(options.containerdRegistryConfigPath, { recursive: true }),
    verdict: "skipped",
    saw: ["no hosts.toml names Peili"],
  },
]);
