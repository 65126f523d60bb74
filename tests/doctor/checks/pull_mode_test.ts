/** The check of how layers are fetched. @module */

import { pullMode } from "../../../src/doctor/checks/pull_mode.ts";
import { testCheck } from "../check_rows.ts";
import { configToml, type FakeNode } from "../fake_node.ts";

/** A config.toml with this line. */
function withLine(line: string) {
  return ({ folder }: FakeNode) =>
    folder.write("config.toml", configToml("/x", line));
}

testCheck("pullMode", pullMode, [
  {
    name: "sees the transfer service",
    verdict: "ok",
    saw: ["its transfer service pulls, each layer as one stream"],
  },
  {
    name: "sees containerd itself",
    given: withLine("use_local_image_pull = true"),
    verdict: "ok",
    saw: ["containerd itself pulls, each layer as one stream"],
  },
  {
    name: "sees what turns the transfer service off",
    given: withLine("max_concurrent_downloads = 5"),
    verdict: "ok",
    saw: [/^containerd itself/],
  },
  {
    name: "warns of parallel ranges",
    given: withLine("concurrent_layer_fetch_buffer = 2097152"),
    verdict: "warning",
    saw: [/pulls layers in parallel ranges of 2097152 bytes/],
    fix: [
      "sed -i 's/^\\( *concurrent_layer_fetch_buffer *= *\\).*/\\10/' PATH/config.toml",
      "systemctl restart containerd",
    ],
  },
]);
