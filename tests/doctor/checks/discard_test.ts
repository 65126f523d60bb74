/** The check of `discard_unpacked_layers`. @module */

import { discard } from "../../../src/doctor/checks/discard.ts";
import { testCheck } from "../check_rows.ts";
import { configToml } from "../fake_node.ts";

testCheck("discard", discard, [
  { name: "sees layers stay", verdict: "ok", saw: [/^layers stay/] },
  {
    name: "says what still works without them, and sets the key where it is",
    given: ({ folder }) =>
      folder.write(
        "config.toml",
        configToml("/x", "discard_unpacked_layers = true"),
      ),
    verdict: "warning",
    saw: [/nodes still share what they pull at the same time/],
    fix: [
      "sed -i 's/^\\( *discard_unpacked_layers *= *\\).*/\\1false/' PATH/config.toml",
      "systemctl restart containerd",
    ],
  },
  {
    name: "believes containerd 1.x, not its files",
    given({ containerd }) {
      containerd.version = "1.6.20~ds1";
      containerd.criConfig = {
        registry: { configPath: "" },
        containerd: { snapshotter: "overlayfs", discardUnpackedLayers: true },
      };
    },
    verdict: "warning",
    saw: [/throws layers away/],
    fix: [
      "# set discard_unpacked_layers = false in PATH/config.toml",
      "systemctl restart containerd",
    ],
  },
  {
    name: "says what it cannot see",
    given: ({ options }) => void (options.containerdConfig = "/nowhere.toml"),
    verdict: "skipped",
    saw: ["containerd does not tell"],
  },
]);
