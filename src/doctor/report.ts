/**
 * Results of checks as text: for a person, or for a program.
 *
 * @module
 */

import { type CheckResult, exitCodeOf, type Verdict } from "./check.ts";
import { fixLines } from "./fix.ts";

/** How a report is written. */
export interface ReportOptions {
  /** Whether verdicts have colours. */
  readonly colors: boolean;
}

/** SGR codes of ECMA-48: green, grey, yellow, red. */
const COLORS: Readonly<Record<Verdict, number>> = {
  ok: 32,
  skipped: 90,
  warning: 33,
  problem: 31,
};

/**
 * Writes results for a person: one line a finding, its fix below it, and a line
 * that sums up.
 *
 * @param results What came of the checks
 * @param options How it is written
 * @returns The text, with a newline at its end
 */
export function reportText(
  results: readonly CheckResult[],
  { colors }: ReportOptions,
): string {
  const paint = (verdict: Verdict, text: string) =>
    colors ? `\x1b[${COLORS[verdict]}m${text}\x1b[0m` : text;
  const width = Math.max(...results.map(({ check }) => check.length), 0);
  const lines = results.flatMap(({ check, findings }) =>
    findings.flatMap(({ verdict, saw, fix = [] }) => [
      `${paint(verdict, verdict.padEnd(7))}  ${check.padEnd(width)}  ${saw}`,
      ...fixLines(fix).map((line) => `         ${line}`),
    ])
  );
  return [...lines, "", summary(results), ""].join("\n");
}

/** "18 ok, 1 warning, 2 problems (0.4 s)" */
function summary(results: readonly CheckResult[]): string {
  const count = (verdict: Verdict) =>
    results.filter((result) => result.verdict === verdict).length;
  const plural = (verdict: "warning" | "problem") => {
    const n = count(verdict);
    return n === 0 ? [] : [`${n} ${verdict}${n === 1 ? "" : "s"}`];
  };
  const skipped = count("skipped");
  const counts = [
    `${count("ok")} ok`,
    ...(skipped ? [`${skipped} skipped`] : []),
    ...plural("warning"),
    ...plural("problem"),
  ];
  const seconds = Math.max(...results.map(({ ms }) => ms), 0) / 1000;
  return `${counts.join(", ")} (${seconds.toFixed(1)} s)`;
}

/**
 * Writes results for a program.
 *
 * @param results What came of the checks
 * @returns One JSON object: `exitCode`, and `checks` as they are
 */
export function reportJson(results: readonly CheckResult[]): string {
  const report = { exitCode: exitCodeOf(results), checks: results };
  return `${JSON.stringify(report, null, 2)}\n`;
}
