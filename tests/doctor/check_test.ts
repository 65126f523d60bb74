/** Running checks: budgets, faults, and what becomes of both. @module */

import assert from "node:assert/strict";
import {
  type Check,
  exitCodeOf,
  type Finding,
  ok,
  problem,
  runChecks,
  skipped,
  type Verdict,
  warning,
  worst,
} from "../../src/doctor/check.ts";

const { signal: NEVER } = new AbortController();

function check(run: Check["run"], more: Partial<Check> = {}): Check {
  return { name: "one", run, ...more };
}

async function findingOf(one: Check, signal = NEVER): Promise<Finding> {
  const [result] = await runChecks([one], signal);
  assert.equal(result?.findings.length, 1);
  const [finding] = result.findings;
  assert.ok(finding);
  return finding;
}

Deno.test("runChecks() runs all at once and keeps their order", async () => {
  const gate = Promise.withResolvers<void>();
  const results = await runChecks([
    check(async () => {
      await gate.promise; // Opened by the second.
      return [ok("first")];
    }, { name: "a" }),
    check(() => {
      gate.resolve();
      return Promise.resolve([ok("fine"), warning("odd", [])]);
    }, { name: "b" }),
  ], NEVER);
  assert.deepEqual(
    results.map(({ check, verdict }) => [check, verdict]),
    [["a", "ok"], ["b", "warning"]],
  );
});

Deno.test("runChecks() turns a fault into a warning", async () => {
  const finding = await findingOf(check(() => Promise.reject(new Error("no"))));
  assert.equal(finding.verdict, "warning");
  assert.equal(finding.saw, "cannot be looked at: no");
});

Deno.test("runChecks() asks for root where files are closed", async () => {
  const error = new Deno.errors.PermissionDenied("closed");
  const finding = await findingOf(check(() => Promise.reject(error)));
  assert.deepEqual(finding.fix, [{
    kind: "run",
    command: "sudo peili doctor",
  }]);
});

Deno.test("runChecks() skips what it has no permission for", async () => {
  const error = new Deno.errors.NotCapable("Requires read access");
  const { verdict } = await findingOf(check(() => Promise.reject(error)));
  assert.equal(verdict, "skipped");
});

Deno.test("runChecks() skips what only an absent containerd could tell", async () => {
  const error = Object.assign(new Error("14 UNAVAILABLE"), { code: 14 });
  assert.deepEqual(
    await findingOf(check(() => Promise.reject(error))),
    skipped("not looked at: containerd does not answer"),
  );
});

Deno.test("runChecks() lets a check put away what it made when time is up", async () => {
  let put = false;
  const slow = check(async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await Promise.resolve();
    put = true;
    return [ok("late, but whole")];
  }, { budgetMs: 1 });
  assert.equal((await findingOf(slow)).saw, "late, but whole");
  assert.ok(put);
});

Deno.test("runChecks() ends with its signal", async () => {
  const end = new AbortController();
  const waiting = check((signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    )
  );
  const running = findingOf(waiting, end.signal);
  end.abort(new Error("stopped"));
  assert.equal((await running).saw, "cannot be looked at: stopped");
});

Deno.test.each<{ verdicts: Verdict[]; expected: Verdict; code: number }>([
  { verdicts: [], expected: "ok", code: 0 },
  { verdicts: ["ok", "skipped"], expected: "skipped", code: 0 },
  { verdicts: ["warning", "ok"], expected: "warning", code: 1 },
  { verdicts: ["problem", "warning"], expected: "problem", code: 2 },
])("worst() and exitCodeOf() of $verdicts", ({ verdicts, expected, code }) => {
  assert.equal(worst(verdicts), expected);
  const results = verdicts.map((verdict) => ({
    check: "one",
    verdict,
    findings: [problem("x", [])],
    ms: 1,
  }));
  assert.equal(exitCodeOf(results), code);
});
