/**
 * The demo's texts: what goes where, and when nobody reads them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { temporaryFolder } from "../hosts/temporary_folder.ts";
import { program, ROOT } from "../program.ts";
import { processesWith } from "./leftovers.ts";

const DEMO = { permissions: ["-P=demo"], file: "demo/main.ts" };

Deno.test("the demo says on stderr what is wrong with an option", async () => {
  const { code, stdout, stderr } = await program(["--nodes=0"], DEMO);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(
    stderr,
    "error: --nodes is '0'; allowed: 1 to 20; --help tells more\n",
  );
});

Deno.test("the demo says on stderr that an image is not there", async () => {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await program([
    "--nodes=1",
    `--image=${folder.path}`,
  ], DEMO);
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /error/);
  assert.match(stderr, /^error: Cannot find an image in .*: it has no index/);
});

Deno.test("the demo ends quietly, and leaves nothing, when nobody reads on", async () => {
  await using folder = await temporaryFolder();
  const demo = new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      "run",
      "--quiet",
      "-P=demo",
      "demo/main.ts",
      "--nodes=1",
      "--image-size=1MB",
    ],
    env: { ["TMPDIR"]: folder.path },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = demo.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const said = await new Response(demo.stderr).text();
  assert.deepEqual([said, (await demo.status).code], ["", 130]);
  assert.deepEqual(await processesWith(folder.path), []);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});
