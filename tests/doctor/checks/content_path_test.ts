/** The check of the content folder. @module */

import { contentPath } from "../../../src/doctor/checks/content_path.ts";
import { testCheck } from "../check_rows.ts";
import { plugin } from "../fake_node.ts";

testCheck("contentPath", contentPath, [
  {
    name: "sees containerd's own folder",
    verdict: "ok",
    saw: ["PATH/content is containerd's and can be read"],
  },
  {
    name: "lets a folder be that has no blob yet",
    given: ({ folder }) =>
      Deno.remove(`${folder.path}/content`, { recursive: true }),
    verdict: "ok",
    saw: [/^PATH\/content is containerd's/],
  },
  {
    name: "names the folder that containerd uses",
    given: ({ options }) => void (options.containerdContentPath = "/nowhere/x"),
    verdict: "problem",
    saw: [
      "containerd's content is in PATH/content, not in /nowhere/x; there is no /nowhere/x",
    ],
    fix: [
      "# give Peili --containerd-content-path=PATH/content (PEILI_CONTAINERD_CONTENT_PATH=PATH/content), restart it",
    ],
  },
  {
    name: "names it also when the other folder is there",
    async given({ folder, options }) {
      await folder.write("other/blobs/sha256/x", "");
      options.containerdContentPath = `${folder.path}/other`;
    },
    verdict: "problem",
    saw: [
      "containerd's content is in PATH/content, not in PATH/other",
    ],
    fix: [
      "# give Peili --containerd-content-path=PATH/content (PEILI_CONTAINERD_CONTENT_PATH=PATH/content), restart it",
    ],
  },
  {
    name: "takes a mounted folder for containerd's",
    given: ({ containerd }) =>
      void (containerd.plugins = [
        plugin("io.containerd.content.v1", "content", { root: "/on/the/host" }),
      ]),
    verdict: "ok",
    saw: ["PATH/content is /on/the/host, mounted here"],
  },
]);
