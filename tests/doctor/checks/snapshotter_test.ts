/** The check of the snapshotter. @module */

import { snapshotter } from "../../../src/doctor/checks/snapshotter.ts";
import { testCheck } from "../check_rows.ts";
import { configToml, type FakeNode } from "../fake_node.ts";

/** A config.toml with this snapshotter. */
function withSnapshotter(name: string) {
  return ({ folder }: FakeNode) =>
    folder.write("config.toml", configToml("/x", `snapshotter = "${name}"`));
}

testCheck("snapshotter", snapshotter, [
  {
    name: "sees the usual one",
    verdict: "ok",
    saw: ["overlayfs unpacks layers that containerd has pulled"],
  },
  {
    name: "lets others be that unpack whole layers",
    given: withSnapshotter("erofs"),
    verdict: "ok",
    saw: [/^erofs unpacks/],
  },
  ...["stargz", "nydus", "soci"].map((name) => ({
    name: `warns of ${name}`,
    given: withSnapshotter(name),
    verdict: "warning" as const,
    saw: [/fetches layers by itself/],
    fix: [
      "sed -i 's/^\\( *snapshotter *= *\\).*/\\1\"overlayfs\"/' PATH/config.toml",
      "systemctl restart containerd",
    ],
  })),
]);
