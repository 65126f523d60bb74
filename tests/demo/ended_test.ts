/**
 * The demo, ended in the middle: nothing of it may be left, however it ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { temporaryFolder } from "../hosts/temporary_folder.ts";
import { ROOT } from "../program.ts";
import { eventually } from "../suites/eventually.ts";
import { isOpen, processesWith } from "./leftovers.ts";

/** Large enough that a round is still going on when it is ended. */
const ARGS = ["--nodes=2", "--image-size=20MB", "--registry-mbit=100"];

function startDemo(folder: string, detached = false): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["run", "--quiet", "-P=demo", "demo/main.ts", ...ARGS],
    env: { ["TMPDIR"]: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached,
  }).spawn();
}

/** Reads what the demo writes until a text comes, and leaves the rest. */
async function untilWritten(
  reader: ReadableStreamDefaultReader<string>,
  text: string,
): Promise<void> {
  let all = "";
  while (!all.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the demo ended before ${text}: ${all}`);
    all += value;
  }
}

const ENDS: { signal: Deno.Signal; during: string; code: number }[] = [
  { signal: "SIGKILL", during: "Round 2", code: 137 },
  { signal: "SIGTERM", during: "Round 1", code: 130 },
  { signal: "SIGINT", during: "Round 1", code: 130 },
];

Deno.test.each(ENDS)(
  "the demo leaves no process, port or folder after $signal in $during",
  async ({ signal, during, code }) => {
    await using folder = await temporaryFolder();
    const demo = startDemo(folder.path);
    const reader = demo.stdout.pipeThrough(new TextDecoderStream()).getReader();
    await untilWritten(reader, during);
    const before = await processesWith(folder.path);
    const ports = before.flatMap(({ command }) =>
      [...command.matchAll(/--peer-addr=127\.0\.0\.1:(\d+)/g)]
        .map(([, port]) => Number(port))
    );
    // Two nodes, two pulls, and the caretaker: it is in the middle.
    assert.equal(before.length, 5);
    assert.equal(ports.length, 2);
    for (const port of ports) assert.ok(await isOpen(port));
    assert.notDeepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);

    demo.kill(signal);
    assert.equal((await demo.status).code, code);
    await reader.cancel();
    const noProcess = async () =>
      (await processesWith(folder.path)).length === 0;
    if (signal === "SIGKILL") await eventually("all ended", noProcess);
    else assert.ok(await noProcess());
    for (const port of ports) assert.ok(!await isOpen(port));
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
  },
);

const IN_A_TERMINAL = true;

Deno.test("the demo leaves nothing when Ctrl-C reaches all its processes while they start", async () => {
  await using folder = await temporaryFolder();
  const demo = startDemo(folder.path, IN_A_TERMINAL);
  const reader = demo.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await untilWritten(reader, "Peili on this machine");
  // Twice, as it hears it below `deno task`.
  const group = `kill -s INT -- -${demo.pid}`;
  await new Deno.Command("sh", { args: ["-c", `${group}; ${group}`] }).output();
  assert.equal((await demo.status).code, 130);
  await reader.cancel();
  await eventually(
    "all ended",
    async () => (await processesWith(folder.path)).length === 0,
  );
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});
