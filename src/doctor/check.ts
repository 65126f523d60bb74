/**
 * A check looks at one thing on the node; all of them run at once, each with a
 * budget, and none can fail the others.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { type Fix, run } from "./fix.ts";

/**
 * How it is. `skipped`: it could not be looked at, for a reason that another
 * check tells.
 */
export type Verdict = "ok" | "skipped" | "warning" | "problem";

/** Verdicts from the best to the worst. */
export const VERDICTS: readonly Verdict[] = [
  "ok",
  "skipped",
  "warning",
  "problem",
];

/** One thing that was seen. */
export interface Finding {
  /** How it is. */
  readonly verdict: Verdict;
  /** What was seen, in one sentence. */
  readonly saw: string;
  /** What mends it; never without one where the verdict is bad. */
  readonly fix?: Fix;
}

/** One check. */
export interface Check {
  /** Its name, `lower-kebab-case`. */
  readonly name: string;
  /**
   * Milliseconds until it counts as hanging.
   *
   * @default {CHECK_MS}
   */
  readonly budgetMs?: number;
  /**
   * Looks. It sees as much as it can where something is broken.
   *
   * @param signal Aborts when time is up
   * @returns What it saw, at least one thing
   */
  run(signal: AbortSignal): Promise<readonly Finding[]>;
}

/** What came of a check. */
export interface CheckResult {
  /** The name of the check. */
  readonly check: string;
  /** The worst of its findings. */
  readonly verdict: Verdict;
  /** What it saw. */
  readonly findings: readonly Finding[];
  /** Milliseconds that it took. */
  readonly ms: number;
}

/**
 * Milliseconds for one check. A healthy node needs some 300 for all together;
 * one that is busy is to be told from one where nobody answers.
 */
export const CHECK_MS = 5_000;

/**
 * Milliseconds that a check has, after its signal aborted, to put away what it
 * has made.
 */
const PUT_AWAY_MS = 5_000;

/**
 * Runs checks, all at once.
 *
 * @param checks What to look at
 * @param signal Ends all of them early
 * @returns One result a check, in their order; never rejects
 */
export function runChecks(
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<CheckResult[]> {
  return Promise.all(checks.map((check) => runCheck(check, signal)));
}

async function runCheck(
  check: Check,
  signal: AbortSignal,
): Promise<CheckResult> {
  const start = performance.now();
  const findings = await look(check, signal).catch(unexpected);
  return {
    check: check.name,
    verdict: worst(findings.map(({ verdict }) => verdict)),
    findings,
    ms: Math.round(performance.now() - start),
  };
}

/** Does not wait for a check that does not heed its signal. */
async function look(
  { budgetMs = CHECK_MS, run }: Check,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  using limit = deadline(signal, budgetMs);
  const hanging = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUp = () => {
    timer = setTimeout(
      () => hanging.reject(limit.signal.reason),
      PUT_AWAY_MS,
    );
  };
  if (limit.signal.aborted) giveUp();
  else limit.signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([run(limit.signal), hanging.promise]);
  } finally {
    limit.signal.removeEventListener("abort", giveUp);
    clearTimeout(timer);
  }
}

function unexpected(error: unknown): readonly Finding[] {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof Deno.errors.NotCapable) {
    return [skipped(`not looked at: this process may not (${why})`)];
  }
  // grpc-js: containerd is away, which a check of its own tells.
  if (typeof (error as { code?: unknown }).code === "number") {
    return [skipped("not looked at: containerd does not answer")];
  }
  const again = error instanceof Deno.errors.PermissionDenied
    ? "sudo peili doctor"
    : "peili doctor";
  return [warning(`cannot be looked at: ${why}`, [run(again)])];
}

/** A finding that all is well. */
export function ok(saw: string): Finding {
  return { verdict: "ok", saw };
}

/** A finding that something could not be looked at. */
export function skipped(saw: string): Finding {
  return { verdict: "skipped", saw };
}

/** A finding that works, but not well. */
export function warning(saw: string, fix: Fix): Finding {
  return { verdict: "warning", saw, fix };
}

/** A finding that keeps pulls from going through Peili, or breaks them. */
export function problem(saw: string, fix: Fix): Finding {
  return { verdict: "problem", saw, fix };
}

/**
 * The worst of some verdicts.
 *
 * @param verdicts Any number
 * @returns `ok` for none
 */
export function worst(verdicts: readonly Verdict[]): Verdict {
  const rank = Math.max(0, ...verdicts.map((one) => VERDICTS.indexOf(one)));
  return VERDICTS[rank] ?? "problem";
}

/**
 * The exit code that results stand for.
 *
 * @param results What came of the checks
 * @returns 0 all well, 1 warnings, 2 problems
 */
export function exitCodeOf(results: readonly CheckResult[]): number {
  const verdict = worst(results.map(({ verdict }) => verdict));
  return verdict === "problem" ? 2 : verdict === "warning" ? 1 : 0;
}
