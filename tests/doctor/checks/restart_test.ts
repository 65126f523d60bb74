/** The check whether containerd must be started again. @module */

import { restart } from "../../../src/doctor/checks/restart.ts";
import { testCheck } from "../check_rows.ts";
import type { FakeNode } from "../fake_node.ts";

/** Files know when they were written: the socket is older, or younger. */
async function startedAt({ options }: FakeNode, ms: number): Promise<void> {
  const { mtime } = await Deno.stat(options.containerdConfig);
  const time = new Date((mtime?.getTime() ?? 0) + ms);
  await Deno.utime(options.containerdSock, time, time);
}

testCheck("restart", restart, [
  {
    name: "sees files that are older than containerd",
    given: (node) => startedAt(node, 1_000),
    verdict: "ok",
    saw: ["containerd has started with its files as they are"],
  },
  {
    name: "sees a file that is younger than containerd 2.x",
    given: (node) => startedAt(node, -1_000),
    verdict: "warning",
    saw: ["PATH/config.toml was changed after containerd had started"],
    fix: ["systemctl restart containerd"],
  },
  {
    name: "looks at imported files, too",
    async given(node) {
      const { folder } = node;
      await folder.write(
        "config.toml",
        'version = 3\nimports = ["d/*.toml"]\n',
      );
      await folder.write("d/x.toml", "version = 3\n");
      await startedAt(node, 1_000);
      const late = new Date(Date.now() + 60_000);
      await Deno.utime(`${folder.path}/d/x.toml`, late, late);
    },
    verdict: "warning",
    saw: ["PATH/d/x.toml was changed after containerd had started"],
    fix: ["systemctl restart containerd"],
  },
  {
    name: "compares with what containerd 1.x says that it runs with",
    async given(node) {
      node.containerd.version = "1.7.24";
      node.containerd.criConfig = {
        registry: { configPath: "" },
        containerd: { snapshotter: "overlayfs", discardUnpackedLayers: true },
      };
      await node.folder.write("config.toml", "version = 2\n");
      await startedAt(node, -1_000);
    },
    verdict: "problem",
    saw: [
      "discard_unpacked_layers is true in containerd and false in its files",
    ],
    fix: ["systemctl restart containerd"],
  },
  {
    name: "cannot tell without files",
    given: ({ options }) => void (options.containerdConfig = "/nowhere.toml"),
    verdict: "skipped",
    saw: ["cannot be told: there is no /nowhere.toml"],
  },
]);
