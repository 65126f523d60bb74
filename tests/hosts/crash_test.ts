/**
 * Installing that is cut off at every step.
 * @module
 */

import assert from "node:assert/strict";
import {
  DENO_FILES,
  type FileOperations,
} from "../../src/hosts/file_operations.ts";
import { installHosts } from "../../src/hosts/install.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const USER = '# mine\n[host."https://own-mirror.example"]\n';
const START = {
  "docker.io/hosts.toml": USER,
  "docker.io/own.pem": "pem",
};
const WANTED = mirrorHosts({
  registries: ["https://docker.io", "_default"],
  mirrorTargets: ["http://10.0.0.1:30020"],
});

/** Where in its n-th operation a run ends. */
type Moment = "before" | "halfway" | "after";

/** File operations that stop for good at the n-th. */
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
  };
}

/** Returns false once there is no n-th operation any more. */
async function survives(at: number, moment: Moment): Promise<boolean> {
  await using folder = await temporaryFolder(START);
  try {
    await installHosts(folder.path, WANTED, { files: cutOff(at, moment) });
    return false;
  } catch (error) {
    assert.match(String(error), /cut off/);
  }
  const files = await folder.files();
  const kept = files["_peili_backup/docker.io/hosts.toml"];
  const name = `cut off ${moment} operation ${at}`;
  assert.ok(files["docker.io/hosts.toml"] === USER || kept === USER, name);
  assert.ok(kept === undefined || kept === USER, name);
  assert.equal(files["docker.io/own.pem"], "pem", name);
  await installHosts(folder.path, WANTED);
  assert.deepEqual(await folder.files(), await finished(), name);
  return true;
}

async function finished(): Promise<Record<string, string>> {
  await using folder = await temporaryFolder(START);
  await installHosts(folder.path, WANTED);
  return await folder.files();
}

Deno.test.each<Moment>(["before", "halfway", "after"])(
  "installHosts() that is cut off %s any operation loses nothing, and is completed by the next run",
  async (moment) => {
    let at = 1;
    while (await survives(at, moment)) at++;
    assert.ok(at > 20, `only ${at} operations were seen`);
  },
);
