/** The check of containerd's CRI plugin. @module */

import assert from "node:assert/strict";
import { cri } from "../../../src/doctor/checks/cri.ts";
import { fixLines } from "../../../src/doctor/fix.ts";
import { look, testCheck } from "../check_rows.ts";
import { fakeNode, plugin } from "../fake_node.ts";

testCheck("cri", cri, [
  { name: "sees it", verdict: "ok", saw: ["containerd's CRI plugin runs"] },
  {
    name: "tells why it does not run",
    given({ containerd }) {
      const images = plugin("io.containerd.cri.v1", "images", {});
      containerd.plugins = [{ ...images, failure: "mirrors cannot be set" }];
    },
    verdict: "problem",
    saw: ["containerd's CRI plugin does not run: mirrors cannot be set"],
    fix: [
      "journalctl --unit containerd --grep cri --lines 20",
      "# mend what it says in containerd's configuration, then:",
      "systemctl restart containerd",
    ],
  },
]);

Deno.test.each([
  { before: '["cri"]', after: "[]" },
  { before: '["cri", "aufs"]', after: '["aufs"]' },
  { before: '["aufs"]', after: '["aufs"]' },
])("cri() turns it on in $before", async ({ before, after }) => {
  await using node = await fakeNode();
  await node.folder.write("config.toml", `disabled_plugins = ${before}\n`);
  node.containerd.plugins = [];
  const { verdict, findings } = await look(cri, node);
  assert.equal(verdict, "warning");
  const [command = ""] = fixLines(findings[0]?.fix ?? []);
  const { success } = await new Deno.Command("sh", { args: ["-c", command] })
    .output();
  assert.ok(success);
  const text = await node.folder.read("config.toml");
  assert.equal(text, `disabled_plugins = ${after}\n`);
});
