/** The check of the files' syntax. @module */

import { hostsToml } from "../../../src/doctor/checks/hosts_toml.ts";
import { testCheck } from "../check_rows.ts";

testCheck("hostsToml", hostsToml, [
  {
    name: "reads every file",
    given: ({ folder }) =>
      folder.write("certs.d/docker.io/hosts.toml", 'server = "https://a"\n'),
    verdict: "ok",
    saw: ["containerd can read every hosts.toml: _default, docker.io"],
  },
  {
    name: "lets a folder without files be",
    given: ({ options }) =>
      Deno.remove(options.containerdRegistryConfigPath, { recursive: true }),
    verdict: "ok",
    saw: ["containerd can read every hosts.toml"],
  },
  {
    name: "names what is no TOML",
    given: ({ folder }) =>
      folder.write("certs.d/quay.io/hosts.toml", "[host\n"),
    verdict: "problem",
    saw: [/^containerd ignores PATH\/certs.d\/quay.io\/hosts.toml: /],
    fix: [
      "mv PATH/certs.d/quay.io/hosts.toml PATH/certs.d/quay.io/hosts.toml.broken",
      "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d",
    ],
  },
  {
    name: "names a key whose shape containerd rejects",
    given: ({ folder }) =>
      folder.write("certs.d/_default/hosts.toml", "server = 5\n"),
    verdict: "problem",
    saw: [/server is not a string$/],
    fix: [
      "mv PATH/certs.d/_default/hosts.toml PATH/certs.d/_default/hosts.toml.broken",
      "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d",
    ],
  },
]);
