/** The check of the namespace. @module */

import { namespace } from "../../../src/doctor/checks/namespace.ts";
import { testCheck } from "../check_rows.ts";

testCheck("namespace", namespace, [
  { name: "sees the namespace", verdict: "ok", saw: ["k8s.io is there"] },
  {
    name: "lets a new node be",
    given: ({ containerd }) => void (containerd.namespaces = []),
    verdict: "ok",
    saw: ["k8s.io comes with the first image"],
  },
  {
    name: "names the one that kubelet uses",
    given: ({ options }) => void (options.containerdNamespace = "default"),
    verdict: "problem",
    saw: ["default is shared, kubelet's images are in k8s.io"],
    fix: [
      "# give Peili --containerd-namespace=k8s.io (PEILI_CONTAINERD_NAMESPACE=k8s.io), restart it",
    ],
  },
  {
    name: "only warns when the other one is meant",
    given({ options, containerd }) {
      options.containerdNamespace = "builds";
      containerd.namespaces = ["builds", "k8s.io"];
    },
    verdict: "warning",
    saw: [/^builds is shared/],
    fix: [
      "# give Peili --containerd-namespace=k8s.io (PEILI_CONTAINERD_NAMESPACE=k8s.io), restart it",
    ],
  },
  {
    name: "tells which there are",
    given: ({ containerd }) => void (containerd.namespaces = ["moby"]),
    verdict: "warning",
    saw: ["k8s.io is not there; there are: moby"],
    fix: ["ctr namespaces list"],
  },
  {
    name: "leaves it to another check that containerd is away",
    given: ({ containerd }) => void (containerd.away = true),
    verdict: "skipped",
    saw: ["not looked at: containerd does not answer"],
  },
]);
