/** The check of `server`. @module */

import { server } from "../../../src/doctor/checks/server.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";

/** A folder with this server. */
function withServer(folder: string, url: string) {
  return (node: FakeNode) =>
    node.folder.write(
      `certs.d/${folder}/hosts.toml`,
      `server = "${url}"\n[host."http://10.0.0.1:30020"]\n`,
    );
}

testCheck("server", server, [
  {
    name: "sees none",
    verdict: "ok",
    saw: ["without Peili, containerd asks the registries themselves"],
  },
  {
    name: "knows where docker.io is",
    given: withServer("docker.io", "https://registry-1.docker.io"),
    verdict: "ok",
    saw: [/themselves$/],
  },
  {
    name: "knows a registry by its folder's other name",
    given: withServer("10.0.0.9_5000_", "http://10.0.0.9:5000"),
    verdict: "ok",
    saw: [/themselves$/],
  },
  {
    name: "names one that is Peili",
    given: withServer("quay.io", "http://10.0.0.1:30020"),
    verdict: "problem",
    saw: [/server = http:\/\/10.0.0.1:30020 is Peili: nobody is left to ask$/],
    fix: ["sed -i '/^server *=/d' PATH/certs.d/quay.io/hosts.toml"],
  },
  {
    name: "names one that stands for every registry",
    given: withServer("_default", "https://registry-1.docker.io"),
    verdict: "problem",
    saw: [/stands for every registry/],
    fix: ["sed -i '/^server *=/d' PATH/certs.d/_default/hosts.toml"],
  },
  {
    name: "warns of one that is another registry",
    given: withServer("quay.io", "https://mirror.example"),
    verdict: "warning",
    saw: [/is another registry than quay.io$/],
    fix: ["sed -i '/^server *=/d' PATH/certs.d/quay.io/hosts.toml"],
  },
]);
