/**
 * Configuring and restoring that is cut off at every step.
 * @module
 */

import assert from "node:assert/strict";
import { configureHosts } from "../../src/hosts/configure.ts";
import {
  DENO_FILES,
  type FileOperations,
} from "../../src/hosts/file_operations.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import type { Wanted } from "../../src/hosts/plan.ts";
import { splitText } from "../../src/hosts/region.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { readTree, type Tree, writeTree } from "./tree.ts";

const USER = '# mine\n[host."https://own-mirror.example"]\n';
const START: Tree = {
  "docker.io/hosts.toml": { text: USER, mode: 0o600 },
  "docker.io/own.pem": "pem",
  "quay.io": { folder: true },
};
const WANTED: Wanted = {
  deployment: "peili",
  hosts: mirrorHosts({
    registries: ["https://docker.io", "_default"],
    mirrorTargets: ["http://10.0.0.1:30020"],
  }),
  keepExisting: false,
};
const GONE: Wanted = { ...WANTED, hosts: [] };

/** Where in its n-th operation a run ends. */
type Moment = "before" | "halfway" | "after";

/** File operations that stop for good at the n-th, as a killed process does. */
function cutOff(at: number, moment: Moment): FileOperations {
  let count = 0;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    count++;
    if (count < at) return await run();
    if (count === at && moment === "after") await run();
    throw new Error("cut off");
  };
  return {
    status: (path) => step(() => DENO_FILES.status(path)),
    fileNames: (path) => step(() => DENO_FILES.fileNames(path)),
    folderNames: (path) => step(() => DENO_FILES.folderNames(path)),
    read: (path) => step(() => DENO_FILES.read(path)),
    makeFolder: (path) => step(() => DENO_FILES.makeFolder(path)),
    create: async (path, content) => {
      if (count + 1 === at && moment === "halfway") {
        const half = content.bytes.subarray(0, content.bytes.length / 2);
        await DENO_FILES.create(path, { ...content, bytes: half });
      }
      await step(() => DENO_FILES.create(path, content));
    },
    rename: (from, to) => step(() => DENO_FILES.rename(from, to)),
    remove: (path) => step(() => DENO_FILES.remove(path)),
    // Whoever is killed holds no lock any more.
    lock: (path) => DENO_FILES.lock(path),
  };
}

/** Configured, or restored from configured. */
async function prepared(root: string, wanted: Wanted): Promise<void> {
  await writeTree(root, START);
  if (wanted === GONE) await configureHosts(root, WANTED);
}

async function finished(wanted: Wanted): Promise<Record<string, string>> {
  await using folder = await temporaryFolder();
  await prepared(folder.path, wanted);
  await configureHosts(folder.path, wanted);
  return await readTree(folder.path);
}

/** What must be there at last: after the same again, and after restoring. */
interface Expected {
  wanted: Wanted;
  finished: Record<string, string>;
  restored: Record<string, string>;
}

/** Returns false once there is no n-th operation any more. */
async function survives(
  at: number,
  moment: Moment,
  { wanted, finished, restored }: Expected,
): Promise<boolean> {
  await using folder = await temporaryFolder();
  await prepared(folder.path, wanted);
  try {
    await configureHosts(folder.path, wanted, { files: cutOff(at, moment) });
    return false;
  } catch (error) {
    assert.match(String(error), /cut off/);
  }
  const name = `cut off ${moment} operation ${at}`;
  const { "docker.io/hosts.toml": text = "", ...rest } = await folder.files();
  assert.equal(splitText(text).user, USER, name);
  assert.equal(rest["docker.io/own.pem"], "pem", name);
  for (const path of Object.keys(rest)) {
    const whole = path.endsWith("/hosts.toml") && !path.startsWith(".");
    if (whole) assert.equal(splitText(rest[path] ?? "").user, "", name);
  }
  await configureHosts(folder.path, wanted);
  assert.deepEqual(await readTree(folder.path), finished, name);
  await configureHosts(folder.path, GONE);
  assert.deepEqual(await readTree(folder.path), restored, name);
  return true;
}

Deno.test.each(
  (["before", "halfway", "after"] as const).flatMap((moment) => [
    { moment, what: "configuring", wanted: WANTED },
    { moment, what: "restoring", wanted: GONE },
  ]),
)(
  "configureHosts() that is cut off $moment any operation of $what loses nothing, and is completed by the next run",
  async ({ moment, wanted }) => {
    const expected = {
      wanted,
      finished: await finished(wanted),
      restored: await finished(GONE),
    };
    let at = 1;
    while (await survives(at, moment, expected)) at++;
    assert.ok(at > 20, `only ${at} operations were seen`);
  },
);

const SOURCE = new URL("../../src/hosts/", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Kills its own process at the n-th change of the disk. */
const KILLED = `
import { configureHosts } from "${SOURCE}configure.ts";
import { DENO_FILES } from "${SOURCE}file_operations.ts";
import { mirrorHosts } from "${SOURCE}mirror_hosts.ts";
const [root, at, mode] = Deno.args;
let count = 0;
const files = { ...DENO_FILES };
for (const name of ["makeFolder", "create", "rename", "remove"]) {
  files[name] = async (...args) => {
    if (++count === Number(at)) Deno.kill(Deno.pid, "SIGKILL");
    return await DENO_FILES[name](...args);
  };
}
const hosts = mode === "restore" ? [] : mirrorHosts({
  registries: ["https://docker.io", "_default"],
  mirrorTargets: ["http://10.0.0.1:30020"],
});
const wanted = { deployment: "peili", hosts, keepExisting: false };
await configureHosts(root, wanted, { files });
`;

async function killedAt(
  script: string,
  args: readonly string[],
): Promise<boolean> {
  const { signal, code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--cached-only", "--no-lock"]
      .concat(`--config=${CONFIG}`, script, args),
  }).output();
  if (signal !== "SIGKILL") {
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
  return signal === "SIGKILL";
}

Deno.test.each([
  { mode: "configure", wanted: WANTED },
  { mode: "restore", wanted: GONE },
])(
  "configureHosts() in a process that is killed at every write loses nothing: $mode",
  async ({ mode, wanted }) => {
    await using code = await temporaryFolder({ "killed.ts": KILLED });
    const expected = await finished(wanted);
    let at = 0;
    for (let killed = true; killed;) {
      await using folder = await temporaryFolder();
      await prepared(folder.path, wanted);
      at++;
      const args = [folder.path, String(at), mode];
      killed = await killedAt(`${code.path}/killed.ts`, args);
      const text = await folder.read("docker.io/hosts.toml");
      assert.equal(splitText(text).user, USER);
      await configureHosts(folder.path, wanted);
      assert.deepEqual(await readTree(folder.path), expected, `write ${at}`);
    }
    assert.ok(at > 5, `only ${at} writes were seen`);
  },
);
