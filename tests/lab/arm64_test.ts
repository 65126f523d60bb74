/** The image for arm64, built and run by an emulator. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { DatabaseSync } from "node:sqlite";
import { projectCopy } from "../project_copy.ts";
import { cleanUp, cleanUpLeftovers } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import {
  arm64Deno,
  arm64Libraries,
  canEmulate,
  runEmulated,
  startEmulated,
} from "./emulated.ts";
import { LabFolder } from "./folder.ts";
import { imageBases, PEILI_IMAGE, storageBelow } from "./peili_image.ts";
import { waitFor } from "./wait.ts";

/** A start takes 10 s on an idle machine. */
const START_MS = 120_000;

/** What V8 has noted of a program of 1.4 MB is more than this, in bytes. */
const NOTES_BYTES = 100_000;

/** What steps work with. */
interface World {
  readonly lab: LabFolder;
  /** Its path. */
  readonly folder: string;
  readonly env: Record<string, string>;
}

/** Builds it as `deno task image --arch arm64` does, on bases of Debian's files. */
async function build({ lab, folder, env }: World): Promise<void> {
  const [program, libraries] = [await arm64Deno(), await arm64Libraries()];
  const arch = "arm64";
  const bases = await imageBases(folder, { program, libraries, arch, env });
  await using copy = await projectCopy();
  const archive = join(folder, "peili.tar");
  const options = [`--arch=${arch}`, `--out=${archive}`, ...bases];
  const task = [Deno.execPath(), "task", "image", ...options];
  await runEmulated(lab, task, { env, cwd: copy.path });
  const inspect = ["skopeo", "inspect", "--config", `oci-archive:${archive}`];
  const { architecture, os, config } = JSON.parse(await runCommand(inspect));
  assert.deepEqual([architecture, os], [arch, "linux"]);
  assert.equal(config.User, "65532:0");
}

/** The command that runs the image's entry point with these arguments. */
function inContainer(
  args: readonly string[],
  { name, mount, user }: { name: string; mount: string; user: string },
): string[] {
  return [
    ...["buildah", "run", `--user=${user}`, `--volume=${mount}`, name, "--"],
    ...["/usr/bin/deno", "run", "--quiet", "--no-prompt", "--cached-only"],
    ...["--no-lock", "-P=image", "/peili/peili.js", ...args],
  ];
}

/** A container of the image, for buildah. */
async function containerOf({ env }: World): Promise<string> {
  const from = ["buildah", "from", "--pull-never", PEILI_IMAGE];
  return (await runCommand(from, { env })).trim();
}

/** Deno's notes of the program are in the image, made by the right processor. */
async function isNoted(world: World): Promise<void> {
  const { env } = world;
  const name = await containerOf(world);
  const root = (await runCommand(["buildah", "mount", name], { env })).trim();
  const elf = new Uint8Array(20);
  using deno = await Deno.open(join(root, "usr/bin/deno"));
  await deno.read(elf);
  assert.equal(elf[18], 0xb7, "EM_AARCH64");
  const notes = join(root, "peili/cache/v8_code_cache_v2");
  using database = new DatabaseSync(notes, { readOnly: true });
  const text =
    "SELECT length(data) AS bytes FROM codecache WHERE specifier = ?";
  const { bytes } = database.prepare(text).get("file:///peili/peili.js") ?? {};
  assert.ok(Number(bytes) > NOTES_BYTES, `${bytes} bytes`);
}

async function configures(world: World): Promise<void> {
  const { lab, folder, env } = world;
  const hosts = join(folder, "hosts");
  await Deno.mkdir(hosts);
  const target = "http://10.0.0.1:30020";
  const args = ["configure", `--mirror-targets=${target}`];
  const name = await containerOf(world);
  const mount = `${hosts}:/etc/containerd/certs.d`;
  const command = inContainer(args, { name, mount, user: "0:0" });
  await runEmulated(lab, command, { env });
  const text = await Deno.readTextFile(join(hosts, "_default/hosts.toml"));
  assert.ok(text.includes(`[host."${target}"]`), text);
}

async function serves(world: World): Promise<void> {
  const { lab, folder, env } = world;
  const [images, log] = [join(folder, "layout"), join(folder, "run.log")];
  await Deno.mkdir(images);
  const addresses = ["mirror", "peer", "metrics"]
    .map((listener) => `--${listener}-addr=127.0.0.1:0`);
  const args = ["run", "--store=layout:/etc/peili", ...addresses];
  const name = await containerOf(world);
  const mount = `${images}:/etc/peili`;
  const command = inContainer(args, { name, mount, user: "65532:0" });
  const logged = ["sh", "-c", 'exec "$@" >"$0" 2>&1', log, ...command];
  await using _running = await startEmulated(lab, logged, { env });
  let mirror = "";
  await waitFor("it to run", async () => {
    const text = await Deno.readTextFile(log);
    [, mirror = ""] = /"msg":"running".*"mirror":"([^"]+)"/.exec(text) ?? [];
    return mirror !== "";
  }, { budgetMs: START_MS, log });
  const answer = await fetch(`http://${mirror}/v2/`);
  await answer.body?.cancel();
  assert.equal(answer.status, 200);
}

Deno.test("Peili's image is one for arm64, too", {
  ignore: !canEmulate(),
}, async (t) => {
  await cleanUpLeftovers();
  const lab = LabFolder.create();
  try {
    const world = { lab, folder: lab.path, env: await storageBelow(lab.path) };
    const steps: Record<string, (world: World) => Promise<void>> = {
      "it is built": build,
      "it has Deno's notes": isNoted,
      "configure writes hosts.toml": configures,
      "run answers": serves,
    };
    for (const [name, run] of Object.entries(steps)) {
      if (!await t.step(name, () => run(world))) break;
    }
  } finally {
    await cleanUp(lab.path);
  }
});
