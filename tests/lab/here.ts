/** What this machine can have of what the lab's tests want, told in lines. @module */
import { join } from "node:path/posix";
import { goInstall } from "./go.ts";
import {
  availableVersions,
  CONTAINERD_VERSIONS,
  type ContainerdVersion,
} from "./versions.ts";

/** The release of crane that the tests pull with. */
const CRANE_VERSION = "v0.20.6";

/** Prints one line of a test's report. */
export async function print(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

/** Versions that this machine can have; says which ones it cannot. */
export async function versionsHere(): Promise<readonly ContainerdVersion[]> {
  const { available, missing } = await availableVersions(CONTAINERD_VERSIONS);
  for (const { version, reason } of missing) {
    await print(`containerd ${version} left out: ${reason}`);
  }
  return available;
}

/** The path of crane; null, and a line that says why, where it cannot be had. */
export async function craneHere(): Promise<string | null> {
  const module = "github.com/google/go-containerregistry/cmd/crane";
  const program = `${module}@${CRANE_VERSION}`;
  try {
    return join(await goInstall(`crane-${CRANE_VERSION}`, [program]), "crane");
  } catch (error) {
    await print(`crane left out: ${error}`);
    return null;
  }
}
