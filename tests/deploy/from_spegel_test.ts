/** The page for who comes from Spegel: it names all values, and metrics that exist. @module */

import assert from "node:assert/strict";
import { METRICS } from "../../src/metrics/names.ts";

const ROOT = new URL("../../", import.meta.url);

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

Deno.test("docs/from-spegel.md names each of Spegel's values that the chart takes", async () => {
  const page = await read("docs/from-spegel.md");
  const schema = JSON.parse(await read("deploy/chart/values.schema.json"));
  const keys = Object.keys(schema.properties.spegel.properties);
  assert.ok(keys.length > 25);
  const words = new Set(page.match(/[A-Za-z]+/g));
  assert.deepEqual(keys.filter((key) => !words.has(key)), []);
});

Deno.test("docs/from-spegel.md names metrics that there are", async () => {
  const page = await read("docs/from-spegel.md");
  const named = new Set(page.match(/\bpeili_\w+/g));
  assert.ok(named.size > 6);
  assert.deepEqual([...named].filter((name) => !(name in METRICS)), []);
});
