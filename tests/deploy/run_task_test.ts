/**
 * All ways of starting Peili start the same, as far as memory goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };
import { V8_FLAGS, VARIABLES } from "../../deploy/run_task.ts";
import { program, ROOT } from "../program.ts";

const ASSIGNED = Object.entries(VARIABLES)
  .map(([name, value]) => `${name}=${value}`);

async function linesOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${ROOT}${path}`);
  return text.split("\n").filter((line) => !line.startsWith("#"));
}

Deno.test("V8_FLAGS and VARIABLES are those of the task run", () => {
  const { command } = deno.tasks.run;
  const begin = `${ASSIGNED.join(" ")} deno run -P=run --v8-flags=${V8_FLAGS} `;
  assert.ok(command.startsWith(begin), command);
  assert.ok(ASSIGNED.length > 0 && V8_FLAGS.includes("--"));
});

Deno.test("Dockerfile starts as the task run", async () => {
  const lines = await linesOf("deploy/Dockerfile");
  for (const variable of [...ASSIGNED, `DENO_V8_FLAGS=${V8_FLAGS}`]) {
    const found = lines.filter((line) => line === `ENV ${variable}`);
    assert.equal(found.length, 2, variable);
  }
});

Deno.test("peili.service starts as the task run", async () => {
  const lines = await linesOf("deploy/peili.service");
  const start = lines.find((line) => line.startsWith("ExecStart=")) ?? "";
  assert.ok(start.includes(` --v8-flags=${V8_FLAGS} `), start);
  const assigned = lines.filter((line) => line.startsWith("Environment="))
    .flatMap((line) => line.slice("Environment=".length).split(" "));
  assert.deepEqual(ASSIGNED.filter((one) => !assigned.includes(one)), []);
});

Deno.test("the task compile has the V8 flags of the task run", () => {
  // What is compiled has no variables of its own.
  assert.ok(deno.tasks.compile.command.includes(` --v8-flags=${V8_FLAGS} `));
});

/** Half of the pages are given back, and not by chance: most are garbage. */
const GARBAGE = `
import { collectGarbage } from "./src/garbage.ts";
let all = Array.from({ length: 1_000_000 }, (_, i) => ({ i }));
const before = Deno.memoryUsage().heapTotal;
all = all.length;
collectGarbage();
console.log(JSON.stringify([before, Deno.memoryUsage().heapTotal]));
`;

async function collected(v8: string): Promise<boolean> {
  const permissions = ["-P=run", `--v8-flags=${v8}`];
  const { stdout, stderr } = await program([], {
    permissions,
    script: GARBAGE,
  });
  assert.notEqual(stdout, "", stderr);
  const [before, after] = JSON.parse(stdout);
  return after < before / 2;
}

Deno.test("collectGarbage() gives memory back as the task run starts it", async () => {
  assert.ok(await collected(V8_FLAGS));
});

Deno.test("collectGarbage() does nothing where V8 does not offer it", async () => {
  assert.ok(!await collected(V8_FLAGS.replace(",--expose-gc", "")));
});
