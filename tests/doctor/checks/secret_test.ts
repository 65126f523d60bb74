/** The check of the deployment's secret. @module */

import { secret } from "../../../src/doctor/checks/secret.ts";
import { testCheck } from "../check_rows.ts";

const NEW = [
  "install -d -m 0700 PATH",
  "(umask 077 && head -c 32 /dev/urandom | base64 > PATH/secret)",
  "# the same file on every node: copy PATH/secret to all",
];

testCheck("secret", secret, [
  { name: "reads it", verdict: "ok", saw: ["PATH/secret holds it"] },
  {
    name: "warns where there is none",
    given: ({ options }) => void (options.secretFile = ""),
    verdict: "warning",
    saw: ["there is none: whoever reaches the peer port is answered"],
    fix: [
      "install -d -m 0700 /etc/peili",
      "(umask 077 && head -c 32 /dev/urandom | base64 > /etc/peili/secret)",
      "# the same file on every node: copy /etc/peili/secret to all",
      "# give Peili --secret-file=/etc/peili/secret (PEILI_SECRET_FILE=/etc/peili/secret), restart it",
    ],
  },
  {
    name: "warns of one that can be guessed",
    given: ({ folder }) => folder.write("secret", "hunter2"),
    verdict: "warning",
    saw: ["PATH/secret: it can be guessed"],
    fix: NEW,
  },
  {
    name: "names a file that is not there",
    given: ({ options }) => Deno.remove(options.secretFile),
    verdict: "problem",
    saw: [/^Cannot .*PATH\/secret/],
    fix: NEW,
  },
  {
    name: "names an empty file",
    given: ({ folder }) => folder.write("secret", "\n"),
    verdict: "problem",
    saw: [/it holds no secret/],
    fix: NEW,
  },
]);
