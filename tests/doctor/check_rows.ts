/**
 * One check on nodes that differ from a healthy one in one thing each.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Check,
  type CheckResult,
  runChecks,
  type Verdict,
} from "../../src/doctor/check.ts";
import type { Facts } from "../../src/doctor/facts.ts";
import { fixLines } from "../../src/doctor/fix.ts";
import { type FakeNode, fakeNode } from "./fake_node.ts";

/** A node, and what the check says of it. */
export interface CheckRow {
  /** The rest of the test's name. */
  readonly name: string;
  /** What is different. */
  readonly given?: (node: FakeNode) => Promise<void> | void;
  readonly verdict: Verdict;
  /** What its findings say, all of them; PATH stands for the node's folder. */
  readonly saw: readonly (string | RegExp)[];
  /** The lines of all fixes. */
  readonly fix?: readonly string[];
}

/** Runs one check on a node. */
export async function look(
  make: (facts: Facts) => Check,
  node: FakeNode,
): Promise<CheckResult> {
  const { signal } = new AbortController();
  const [result] = await runChecks([make(node.facts())], signal);
  assert.ok(result);
  return result;
}

/** Registers one test a row. */
export function testCheck(
  symbol: string,
  make: (facts: Facts) => Check,
  rows: readonly CheckRow[],
): void {
  for (const { name, given, verdict, saw, fix = [] } of rows) {
    Deno.test(`${symbol}() ${name}`, async () => {
      await using node = await fakeNode();
      await given?.(node);
      const result = await look(make, node);
      const plain = (text: string) => text.replaceAll(node.folder.path, "PATH");
      assert.equal(result.verdict, verdict, JSON.stringify(result));
      assert.equal(result.findings.length, saw.length);
      for (const [i, expected] of saw.entries()) {
        const seen = plain(result.findings[i]?.saw ?? "");
        if (typeof expected === "string") assert.equal(seen, expected);
        else assert.match(seen, expected);
      }
      const lines = result.findings.flatMap(({ fix = [] }) => fixLines(fix));
      assert.deepEqual(lines.map(plain), fix);
    });
  }
}
