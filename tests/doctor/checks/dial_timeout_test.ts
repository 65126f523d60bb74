/** The check of `dial_timeout`. @module */

import { dialTimeout } from "../../../src/doctor/checks/dial_timeout.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";

/** A `_default` whose Peili has this line. */
function withLine(line: string) {
  return ({ folder }: FakeNode) =>
    folder.write(
      "certs.d/_default/hosts.toml",
      `[host."http://10.0.0.1:30020"]\n${line}\n`,
    );
}

const FIX = [
  "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d",
];

testCheck("dialTimeout", dialTimeout, [
  {
    name: "sees a short one",
    verdict: "ok",
    saw: ["a mirror that is away is left soon"],
  },
  {
    name: "reads what Go reads",
    given: withLine('dial_timeout = "1s500ms"'),
    verdict: "ok",
    saw: [/left soon/],
  },
  {
    name: "warns where there is none",
    given: withLine(""),
    verdict: "warning",
    saw: [/dial_timeout is not set, so 30s$/],
    fix: FIX,
  },
  {
    name: "warns of a long one",
    given: withLine('dial_timeout = "1m"'),
    verdict: "warning",
    saw: [/dial_timeout is 1m$/],
    fix: FIX,
  },
  {
    name: "asks nothing of a containerd that does not know it",
    async given(node) {
      node.containerd.version = "1.7.24";
      await withLine("")(node);
    },
    verdict: "ok",
    saw: ["containerd 1.7.24 has none: it tries an address for 30 s"],
  },
]);
