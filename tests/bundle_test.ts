/**
 * What the tasks `bundle` and `compile` make.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startProgram } from "./program.ts";
import { bundled, projectCopy } from "./project_copy.ts";

/** Runs the program with what every command may have. */
async function run(
  args: readonly string[],
  file = "main.ts",
): Promise<string> {
  const permissions = ["--allow-env=PEILI_*"];
  await using program = startProgram(args, { permissions, file });
  const { code, stdout, stderr } = await program.ended;
  assert.equal(code, 0, stderr);
  return stdout;
}

Deno.test("the bundle imports nothing but what Deno has built in", async () => {
  await using copy = await bundled();
  const text = await Deno.readTextFile(copy.bundle);
  const from = text.matchAll(/\b(?:from|import)\s*"([@\w][@\w/.:-]*)"/g)
    .map(([, specifier = ""]) => specifier).toArray();
  assert.ok(from.length > 0);
  assert.deepEqual(from.filter((name) => !name.startsWith("node:")), []);
  assert.doesNotMatch(text, /\bimport\s*\(/, "and nothing later");
});

Deno.test("the bundle says what the program says, to every command", async () => {
  await using copy = await bundled();
  const help = await run(["--help"]);
  const commands = help.matchAll(/^ {2}([a-z]+) /gm)
    .map(([, name = ""]) => name).toArray();
  assert.ok(commands.includes("run") && commands.includes("version"));
  const all = [["--help"], ["version"]];
  for (const name of commands) {
    all.push(name === "help" ? [name] : [name, "--help"]);
  }
  for (const args of all) {
    assert.equal(await run(args, copy.bundle), await run(args), args.join(" "));
  }
});

Deno.test("the bundle runs where nothing else is", async () => {
  await using copy = await bundled();
  const folder = await Deno.makeTempDir({ prefix: "peili-alone-" });
  try {
    await Deno.copyFile(copy.bundle, `${folder}/peili.js`);
    const alone = (...args: string[]) =>
      new Deno.Command(Deno.execPath(), {
        cwd: folder,
        args: [
          ...["run", "--quiet", "--no-prompt", "--no-config", "--no-remote"],
          ...["--no-npm", "--cached-only", "--allow-net"],
          ...["--allow-env=PEILI_*,GRPC_*,grpc_*", "peili.js", ...args],
        ],
        // No package and no file of an earlier run.
        env: { DENO_DIR: `${folder}/deno` },
        stdout: "piped",
        stderr: "piped",
      });
    const { stdout } = await alone("version").output();
    assert.match(new TextDecoder().decode(stdout), /^peili \d/);
    const addresses = ["mirror", "peer", "metrics"]
      .map((name) => `--${name}-addr=127.0.0.1:0`);
    await using node = alone("run", ...addresses).spawn();
    const log = node.stderr.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const piece of log.values({ preventCancel: true })) {
      text += piece;
      if (text.includes('"msg":"running"')) break;
    }
    assert.match(text, /"msg":"running"/);
    node.kill("SIGTERM");
    await Promise.all([log.cancel(), node.stdout.cancel()]);
    assert.equal((await node.status).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the task compile says what to do where no runtime can be had", async () => {
  await using copy = await projectCopy();
  const { code, text } = await copy.task("compile", { DENORT_BIN: "/none" });
  assert.equal(code, 1);
  assert.match(text, /DENORT_BIN=\/path\/to\/denort deno task compile/);
});

Deno.test("the task compile puts the bundle and its permissions in one file", async () => {
  await using copy = await projectCopy();
  // Deno in place of its runtime: what comes out does not run, but is whole.
  const runtime = Deno.execPath();
  const { code, text } = await copy.task("compile", { DENORT_BIN: runtime });
  assert.equal(code, 0, text);
  const { size } = await Deno.stat(runtime);
  using file = await Deno.open(`${copy.path}/dist/peili`);
  // What is added comes in a section of its own, near the end.
  const bundle = await Deno.readTextFile(copy.bundle);
  const added = await textAfter(file, size - bundle.length);
  const permissions = JSON.parse(
    /"permissions":(\{[^}]*\})/.exec(added)?.[1] ?? "{}",
  );
  assert.deepEqual(
    [permissions.allow_net, permissions.allow_read, permissions.allow_write],
    [[], [], []],
    "anywhere",
  );
  assert.deepEqual(permissions.allow_env, [
    ...["PEILI_*", "GRPC_*", "grpc_*"],
    // Where pull finds credentials.
    ...["DOCKER_CONFIG", "HOME"],
    // Whom it asks without a proxy.
    ...["NO_PROXY", "no_proxy"],
    // Where wait finds the cluster's API.
    "KUBERNETES_SERVICE_*",
  ]);
  assert.deepEqual(permissions.allow_sys, ["networkInterfaces"]);
  const refused = ["run", "ffi"].map((name) => permissions[`allow_${name}`]);
  assert.deepEqual([...refused, permissions.prompt], [null, null, false]);
  assert.ok(added.includes(bundle.slice(0, 1000)));
});

/** The rest of a file as text. */
async function textAfter(file: Deno.FsFile, start: number): Promise<string> {
  await file.seek(start, Deno.SeekMode.Start);
  return await new Response(file.readable).text();
}
