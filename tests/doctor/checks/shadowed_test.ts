/** The check of folders that hide `_default`. @module */

import { shadowed } from "../../../src/doctor/checks/shadowed.ts";
import { testCheck } from "../check_rows.ts";
import { HOSTS } from "../fake_node.ts";

const FIX =
  "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d";

testCheck("shadowed", shadowed, [
  {
    name: "sees _default alone",
    verdict: "ok",
    saw: ["no folder of a registry hides _default"],
  },
  {
    name: "names every folder without Peili, one without hosts.toml, too",
    async given({ folder }) {
      await folder.write(
        "certs.d/docker.io/hosts.toml",
        '[host."https://a"]\n',
      );
      await folder.write("certs.d/ghcr.io/ca.crt", "");
      await folder.write("certs.d/quay.io/hosts.toml", HOSTS);
    },
    verdict: "problem",
    saw: [
      "PATH/certs.d/docker.io hides _default, and does not name Peili",
      "PATH/certs.d/ghcr.io hides _default, and does not name Peili",
    ],
    fix: [FIX, FIX],
  },
  {
    name: "lets registries be that are not Peili's",
    async given({ folder }) {
      await folder.write("certs.d/_default/hosts.toml", '[host."https://a"]\n');
      await folder.write("certs.d/docker.io/hosts.toml", HOSTS);
      await folder.write("certs.d/ghcr.io/hosts.toml", '[host."https://a"]\n');
    },
    verdict: "ok",
    saw: ["Peili is not in _default, so nothing can hide it"],
  },
]);
