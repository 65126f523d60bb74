/** The check of the node's address. @module */

import { nodeIp } from "../../../src/doctor/checks/node_ip.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";
import { peiliAnswers } from "../fake_node.ts";

/** A node that has moved from 10.0.0.1. */
function moved({ addresses, web }: FakeNode): void {
  addresses[0] = "10.0.0.7";
  web.set("10.0.0.7:30020/livez", peiliAnswers);
}

/** A file that Peili wrote when the address was another. */
async function marked(node: FakeNode): Promise<void> {
  await node.folder.write(
    "certs.d/_default/hosts.toml",
    MARKED,
  );
}

const MARKED = `# peili: begin {"made":"folder"}
# peili: deployment peili {"urls":["http://10.0.0.1:30020"]}
[host."http://10.0.0.1:30020"]
# peili: end
`;

testCheck("nodeIp", nodeIp, [
  { name: "sees its own", verdict: "ok", saw: ["this node is 10.0.0.1"] },
  {
    name: "takes loopback for its own",
    given: ({ folder }) =>
      folder.write(
        "certs.d/_default/hosts.toml",
        '[host."http://127.0.0.1:30020"]\n',
      ),
    verdict: "ok",
    saw: [/^this node is/],
  },
  {
    name: "believes --node-ip",
    async given(node) {
      await marked(node);
      moved(node);
      node.options.nodeIp = ["10.0.0.1"];
    },
    verdict: "ok",
    saw: ["this node is 10.0.0.1, 10.0.0.7"],
  },
  {
    name: "names an address of another node",
    async given(node) {
      await marked(node);
      moved(node);
    },
    verdict: "problem",
    saw: [
      "hosts.toml names http://10.0.0.1:30020, and this node is 10.0.0.7",
    ],
    fix: [
      "peili configure --mirror-targets=http://10.0.0.7:30020 --containerd-registry-config-path=PATH/certs.d",
    ],
  },
]);
