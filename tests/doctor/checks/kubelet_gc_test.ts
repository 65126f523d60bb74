/** The check of kubelet's image garbage collection. @module */

import { kubeletGc } from "../../../src/doctor/checks/kubelet_gc.ts";
import { testCheck } from "../check_rows.ts";

testCheck("kubeletGc", kubeletGc, [
  { name: "sees no kubelet", verdict: "ok", saw: [/no kubelet here$/] },
  {
    name: "knows kubelet's default",
    given: ({ folder }) =>
      folder.write("kubelet.yaml", "kind: KubeletConfiguration\n"),
    verdict: "ok",
    saw: ["images go from 85 % of the disk on"],
  },
  {
    name: "reads JSON",
    given: ({ folder }) =>
      folder.write(
        "kubelet.yaml",
        '{"kind": "x",\n  "imageGCHighThresholdPercent": 70}\n',
      ),
    verdict: "ok",
    saw: ["images go from 70 % of the disk on"],
  },
  {
    name: "warns when it never collects",
    given: ({ folder }) =>
      folder.write("kubelet.yaml", "imageGCHighThresholdPercent: 100\n"),
    verdict: "warning",
    saw: [
      "kubelet never collects images: the disk fills (PATH/kubelet.yaml)",
    ],
    fix: [
      "sed -i 's/\\(imageGCHighThresholdPercent\"*: *\\)[0-9]*/\\185/' PATH/kubelet.yaml",
      "systemctl restart kubelet",
    ],
  },
]);
