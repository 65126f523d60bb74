/**
 * Diffs that `patch` reads.
 * @module
 */

import assert from "node:assert/strict";
import { unifiedDiff } from "../../src/hosts/diff.ts";

Deno.test.each([
  { before: null, after: "a\n", says: "--- /dev/null\n+++ x\n" },
  { before: "a\n", after: null, says: "--- x\n+++ /dev/null\n" },
  { before: "a\nb", after: "a\nc\n", says: "--- x\n+++ x\n" },
])("unifiedDiff() names the files: $says", async ({ before, after, says }) => {
  const text = await unifiedDiff({ path: "x", before, after });
  assert.ok(text.startsWith(`${says}@@ -`), text);
});

Deno.test("unifiedDiff() shows three lines around a change", async () => {
  const lines = Array.from({ length: 20 }, (_, n) => `${n}\n`);
  const before = lines.join("");
  const after = lines.with(10, "ten\n").join("");
  const text = await unifiedDiff({ path: "x", before, after });
  assert.equal(
    text,
    "--- x\n+++ x\n@@ -8,7 +8,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n",
  );
});
