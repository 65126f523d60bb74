/** The check of what registries need. @module */

import { registryAccess } from "../../../src/doctor/checks/registry_access.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";

const FIX = [
  "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d",
];

/** A registry's file with lines of its own, and lines at Peili's entry. */
function registry(server: string, own: string, more = "") {
  return ({ folder }: FakeNode) =>
    folder.write(
      "certs.d/quay.io/hosts.toml",
      `${server}\n[host."http://10.0.0.1:30020"]\n${own}\n${more}`,
    );
}

testCheck("registryAccess", registryAccess, [
  {
    name: "sees nothing that is needed",
    verdict: "ok",
    saw: ["what registries need stands at Peili's entries, too"],
  },
  {
    name: "names what Peili's entry lacks of the server's",
    given: registry('ca = "ca.pem"\nclient = "c.pem"', 'client = "c.pem"'),
    verdict: "warning",
    saw: [
      "PATH/certs.d/quay.io/hosts.toml: Peili's entry lacks the registry's ca: a redirect there fails, and the pull begins anew",
    ],
    fix: FIX,
  },
  {
    name: "looks at the registry's own entry, too",
    given: registry("", "", '[host."https://quay.io"]\nskip_verify = true\n'),
    verdict: "warning",
    saw: [/lacks the registry's skip_verify/],
    fix: FIX,
  },
  {
    name: "sees that all is there",
    given: registry('ca = "ca.pem"', 'ca = "ca.pem"'),
    verdict: "ok",
    saw: [/entries, too$/],
  },
]);
