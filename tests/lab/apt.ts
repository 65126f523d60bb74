/**
 * Unpacks packages of another Debian suite into a folder, with package lists
 * of its own: the system's lists and packages stay as they are.
 *
 * @module
 */
import { join } from "node:path/posix";
import { runCommand } from "./command.ts";

/** Where Debian keeps the key that signs its archives. */
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Used where the system does not name an archive. */
const DEBIAN = "http://deb.debian.org/debian";

/** The archive that this system gets its packages from. */
async function archive(): Promise<string> {
  try {
    const file = "/etc/apt/sources.list.d/debian.sources";
    const text = await Deno.readTextFile(file);
    return /^URIs:\s*(\S+)/m.exec(text)?.[1] ?? DEBIAN;
  } catch {
    return DEBIAN; // an older system names it in sources.list
  }
}

/** Where packages are from. */
export interface PackageSource {
  readonly suite: string;
  /** As Debian calls it. @default {what this machine is} */
  readonly architecture?: string;
}

/** Downloads packages, without what they depend on, and unpacks them. */
export async function unpackPackages(
  names: readonly string[],
  { suite, architecture }: PackageSource,
  folder: string,
): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "peili-lab-apt-" });
  try {
    await Deno.mkdir(join(work, "lists/partial"), { recursive: true });
    await Deno.mkdir(join(work, "cache/archives/partial"), { recursive: true });
    const sources = join(work, "sources.list");
    const line = `deb [signed-by=${KEYRING}] ${await archive()} ${suite} main`;
    await Deno.writeTextFile(sources, `${line}\n`);
    const options = [
      `Dir::Etc::sourcelist=${sources}`,
      "Dir::Etc::sourceparts=/dev/null",
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      "APT::Sandbox::User=root",
      ...(architecture
        ? [
          `APT::Architecture=${architecture}`,
          `APT::Architectures=${architecture}`,
          "Dir::State::status=/dev/null",
        ]
        : []),
    ].flatMap((option) => ["-o", option]);
    await runCommand(["apt-get", "-qq", ...options, "update"]);
    await runCommand(
      [
        ...["apt-get", "-qq", ...options, "download"],
        ...names.map((name) => `${name}/${suite}`),
      ],
      { cwd: work },
    );
    for await (const { name: file } of Deno.readDir(work)) {
      if (!file.endsWith(".deb")) continue;
      await runCommand(["dpkg", "-x", join(work, file), folder]);
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}
