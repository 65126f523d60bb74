/** The check of containerd's socket. @module */

import { socket } from "../../../src/doctor/checks/socket.ts";
import { testCheck } from "../check_rows.ts";

testCheck("socket", socket, [
  {
    name: "tells containerd's version",
    verdict: "ok",
    saw: ["containerd 2.1.4 answers at PATH/containerd.sock"],
  },
  {
    name: "names a socket that is not there",
    given: (node) => Deno.remove(node.options.containerdSock),
    verdict: "problem",
    saw: [/^there is no PATH\/containerd.sock/],
    fix: ["systemctl start containerd"],
  },
  {
    name: "names a containerd that does not answer",
    given: ({ containerd }) => void (containerd.away = true),
    verdict: "problem",
    saw: ["containerd does not answer at PATH/containerd.sock: 14 UNAVAILABLE"],
    fix: ["systemctl restart containerd"],
  },
  {
    name: "names a containerd that is too old",
    given: ({ containerd }) => void (containerd.version = "1.5.11"),
    verdict: "problem",
    saw: ["containerd 1.5.11 is older than 1.6"],
    fix: ["# upgrade it to 1.6 or later"],
  },
]);
