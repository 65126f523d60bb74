/** The check of `content_sharing_policy`. @module */

import { contentSharing } from "../../../src/doctor/checks/content_sharing.ts";
import { testCheck } from "../check_rows.ts";
import { plugin } from "../fake_node.ts";

testCheck("contentSharing", contentSharing, [
  {
    name: "tells the usual policy",
    verdict: "ok",
    saw: ["shared; Peili gives only what k8s.io has"],
  },
  {
    name: "tells what isolation means",
    given: ({ containerd }) =>
      void (containerd.plugins = [
        plugin("io.containerd.metadata.v1", "bolt", { policy: "isolated" }),
      ]),
    verdict: "ok",
    saw: ["isolated: what other namespaces have is pulled again for k8s.io"],
  },
]);
