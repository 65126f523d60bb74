/**
 * The containerds that a lab can run: the installed one, two that are
 * unpacked from other Debian suites without being installed, and one that Go
 * builds. Each is fetched once into the cache.
 *
 * @module
 */
import { join } from "node:path/posix";
import { cached } from "./cache.ts";
import { runCommand } from "./command.ts";
import { unpackPackages } from "./apt.ts";
import { goInstall } from "./go.ts";

/** A line of containerd's releases. */
export type ContainerdVersion = "1.6" | "1.7" | "2.1" | "2.3";

/** Every version that the lab knows. */
export const CONTAINERD_VERSIONS: readonly ContainerdVersion[] = [
  "1.6",
  "1.7",
  "2.1",
  "2.3",
];

/** The release that stands for 2.3. */
const GO_VERSION = "v2.3.4";

/** Where each version comes from: gives the folder with containerd and ctr. */
const SOURCES: Record<ContainerdVersion, () => Promise<string>> = {
  "1.6": () => Promise.resolve("/usr/bin"),
  "1.7": () => fromDebian("trixie"),
  "2.1": () => fromDebian("sid"),
  "2.3": fromGo,
};

/**
 * The folder with the binaries of a version, fetched if need be.
 *
 * @throws {Error} when this version cannot be had on this machine.
 */
export async function containerdFolder(
  version: ContainerdVersion,
): Promise<string> {
  const folder = await SOURCES[version]();
  const said = await runCommand([join(folder, "containerd"), "--version"]);
  if (!new RegExp(`[ v]${version.replace(".", "\\.")}\\.`).test(said)) {
    throw new Error(`Cannot have containerd ${version}: got ${said.trim()}`);
  }
  return folder;
}

/** Which of the versions can be had here, and why not the others. */
export async function availableVersions(
  wanted: readonly ContainerdVersion[],
): Promise<{
  available: ContainerdVersion[];
  missing: { version: ContainerdVersion; reason: string }[];
}> {
  const available: ContainerdVersion[] = [];
  const missing: { version: ContainerdVersion; reason: string }[] = [];
  for (const version of wanted) {
    try {
      await containerdFolder(version);
      available.push(version);
    } catch (error) {
      missing.push({ version, reason: String(error) });
    }
  }
  return { available, missing };
}

async function fromDebian(suite: string): Promise<string> {
  const folder = await cached(
    `containerd-${suite}`,
    (draft) => unpackPackages(["containerd"], { suite }, draft),
  );
  return join(folder, "usr/bin");
}

async function fromGo(): Promise<string> {
  const module = "github.com/containerd/containerd/v2/cmd";
  const programs = ["containerd", "ctr"].map((name) =>
    `${module}/${name}@${GO_VERSION}`
  );
  return await goInstall(`containerd-${GO_VERSION}`, programs, {
    tags: "no_btrfs no_devmapper no_zfs",
  });
}
