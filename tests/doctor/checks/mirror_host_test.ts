/** The check of Peili's own entries. @module */

import { mirrorHost } from "../../../src/doctor/checks/mirror_host.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";

const OWN = '[host."http://10.0.0.1:30020"]\n';
const FIX = [
  "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d",
];

/** A `_default` with this text. */
function hosts(text: string) {
  return ({ folder }: FakeNode) =>
    folder.write("certs.d/_default/hosts.toml", text);
}

testCheck("mirrorHost", mirrorHost, [
  {
    name: "sees Peili",
    verdict: "ok",
    saw: ["http://10.0.0.1:30020 for every registry"],
  },
  {
    name: "sees Peili by loopback and by a second port",
    given: hosts(
      '[host."http://127.0.0.1:5000"]\n[host."http://10.0.0.1:30021"]\n',
    ),
    verdict: "ok",
    saw: [
      "http://127.0.0.1:5000, then http://10.0.0.1:30021 for every registry",
    ],
  },
  {
    name: "names a node where nobody was configured",
    given: ({ options }) =>
      Deno.remove(options.containerdRegistryConfigPath, { recursive: true }),
    verdict: "problem",
    saw: ["no hosts.toml below PATH/certs.d names Peili"],
    fix: FIX,
  },
  {
    name: "names a host that is asked before",
    given: hosts(`[host."https://mirror.example"]\n${OWN}`),
    verdict: "problem",
    saw: [
      "PATH/certs.d/_default/hosts.toml asks https://mirror.example before Peili",
    ],
    fix: FIX,
  },
  {
    name: "names an override_path",
    given: hosts(`${OWN}override_path = true\n`),
    verdict: "problem",
    saw: [/with override_path containerd leaves \/v2 out$/],
    fix: FIX,
  },
  {
    name: "names capabilities without pull",
    given: hosts(`${OWN}capabilities = ["resolve"]\n`),
    verdict: "problem",
    saw: [/its capabilities lack pull$/],
    fix: FIX,
  },
  {
    name: "warns of capabilities without resolve",
    given: hosts(`${OWN}capabilities = ["pull"]\n`),
    verdict: "warning",
    saw: [/lack resolve, so tags are not asked for here/],
    fix: FIX,
  },
  {
    name: "knows when tags are not to be asked for",
    async given(node) {
      node.options.resolveTags = false;
      await hosts(`${OWN}capabilities = ["pull"]\n`)(node);
    },
    verdict: "ok",
    saw: [/for every registry/],
  },
]);
