/** The chart's README: its table is made from the values, and is up to date. @module */

import assert from "node:assert/strict";
import {
  chartValues,
  README,
  VALUES,
  valuesTable,
  withTable,
} from "../../deploy/chart_readme.ts";

const YAML = `a:
  # First.
  b: 1
  # A list
  # | of two.
  c: [x, "y"]
# A map.
d:
  e: {}
`;

Deno.test("chartValues() takes what has a comment for a value", () => {
  assert.deepEqual(chartValues(YAML), [
    { path: "a.b", text: "1", help: "First." },
    { path: "a.c", text: '["x","y"]', help: "A list | of two." },
    { path: "d", text: '{"e":{}}', help: "A map." },
  ]);
});

Deno.test("chartValues() fails where a value has no comment", () => {
  assert.throws(() => chartValues("a:\n  # B.\n  b: 1\n  c: 2\n"), /a\.c/);
});

Deno.test("valuesTable() has a row a value", () => {
  const rows = valuesTable(chartValues(YAML)).trimEnd().split("\n");
  assert.equal(rows.length, 5);
  assert.equal(rows[3], '| `a.c` | `["x","y"]` | A list \\| of two. |');
});

Deno.test("the chart's README says what values.yaml says: deno task chart", async () => {
  const values = chartValues(await Deno.readTextFile(VALUES));
  const readme = await Deno.readTextFile(README);
  assert.ok(values.length > 80, `${values.length} values`);
  assert.equal(readme, await withTable(readme, values));
});
