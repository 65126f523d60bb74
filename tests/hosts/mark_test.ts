/**
 * Telling Peili's files from the user's.
 * @module
 */

import assert from "node:assert/strict";
import { markText, ownershipOf } from "../../src/hosts/mark.ts";

const MARK = { hosts: ["http://a"], settings: ["server"], merged: true };
const TEXT = markText('server = "x"\n', MARK);

Deno.test("ownershipOf() knows a text that markText() wrote", () => {
  assert.deepEqual(ownershipOf(TEXT), { kind: "ours", mark: MARK });
});

Deno.test.each([
  { name: "after", text: `${TEXT}\n# mine\n` },
  { name: "before", text: `# mine\n${TEXT}` },
  { name: "in", text: TEXT.replace("x", "y") },
])("ownershipOf() sees a change $name the text", ({ text }) => {
  assert.deepEqual(ownershipOf(text), { kind: "edited", mark: MARK });
});

Deno.test.each([
  "",
  'server = "x"\n',
  "# peili: {}\n",
  "# peili: {not json}\n",
  "# peili: null\n",
])("ownershipOf() takes '%s' for the user's", (text) => {
  assert.deepEqual(ownershipOf(text), { kind: "user" });
});
