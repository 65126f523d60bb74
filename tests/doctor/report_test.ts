/** Reports for people and for programs. @module */

import assert from "node:assert/strict";
import type { CheckResult } from "../../src/doctor/check.ts";
import { ok, problem, skipped, warning } from "../../src/doctor/check.ts";
import { run } from "../../src/doctor/fix.ts";
import { reportJson, reportText } from "../../src/doctor/report.ts";

const RESULTS: readonly CheckResult[] = [
  { check: "socket", verdict: "ok", findings: [ok("it answers")], ms: 12 },
  {
    check: "config-path",
    verdict: "problem",
    findings: [problem("not set", [run("set it"), run("restart it")])],
    ms: 3,
  },
  {
    check: "peers",
    verdict: "warning",
    findings: [warning("one is away", [run("look there")]), ok("one is here")],
    ms: 1_260,
  },
  { check: "trial", verdict: "skipped", findings: [skipped("no")], ms: 0 },
];

Deno.test("reportText() aligns, gives fixes in full and sums up", () => {
  assert.equal(
    reportText(RESULTS, { colors: false }),
    `ok       socket       it answers
problem  config-path  not set
         set it
         restart it
warning  peers        one is away
         look there
ok       peers        one is here
skipped  trial        no

1 ok, 1 skipped, 1 warning, 1 problem (1.3 s)
`,
  );
});

Deno.test("reportText() colours verdicts and nothing else", () => {
  const plain = reportText(RESULTS, { colors: false });
  const coloured = reportText(RESULTS, { colors: true });
  assert.ok(coloured.includes("\x1b[31mproblem\x1b[0m  config-path"));
  // deno-lint-ignore no-control-regex -- these are what is looked for
  assert.equal(coloured.replaceAll(/\x1b\[\d+m/g, ""), plain);
});

Deno.test("reportText() counts what is more than one", () => {
  const two = [...RESULTS, ...RESULTS];
  assert.match(
    reportText(two, { colors: false }),
    /\n2 ok, 2 skipped, 2 warnings, 2 problems \(1.3 s\)\n$/,
  );
});

Deno.test("reportJson() gives everything and the exit code", () => {
  const report = JSON.parse(reportJson(RESULTS));
  assert.deepEqual(report, { exitCode: 2, checks: RESULTS });
});
