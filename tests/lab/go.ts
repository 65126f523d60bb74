/** Programs that Go builds into the lab's cache. @module */
import { join } from "node:path/posix";
import { unpackPackages } from "./apt.ts";
import { cached } from "./cache.ts";
import { hasCommand, runCommand } from "./command.ts";

/** Where Go's own archive unpacks to. */
const USUAL = "/usr/local/go/bin/go";

/** Go 1.21 was the first that fetches a newer one where a module asks for it. */
const FETCHES_NEWER = 21;

/** bookworm has 1.19; this one needs nothing of its suite, not even its libc. */
const DEBIAN = {
  suite: "trixie",
  packages: ["golang-1.24-go", "golang-1.24-src"],
  path: "usr/lib/go-1.24/bin/go",
};

/** Also where the machine's settings say otherwise. */
const ENV = { CGO_ENABLED: "0", GOTOOLCHAIN: "auto" };

/** The same for all: what two programs share is compiled once. */
const FLAGS = ["-trimpath"];

/**
 * Builds programs the first time, and gives the folder that holds them.
 *
 * @param name The folder's name in the cache.
 * @param programs As `go install` takes them: PATH@VERSION.
 * @throws {Error} when there is no Go, or it cannot build them.
 */
export async function goInstall(
  name: string,
  programs: readonly string[],
  { tags = "" }: { tags?: string } = {},
): Promise<string> {
  return await cached(name, async (draft) => {
    const env = { ...ENV, GOBIN: draft };
    const install = [await goCommand(), "install", ...FLAGS, "-tags", tags];
    await runCommand([...install, ...programs], { env, cwd: draft });
  });
}

/**
 * The folder of a Go module's source, which Go keeps in its own cache.
 *
 * @param module PATH@VERSION.
 */
export async function goModule(module: string): Promise<string> {
  const go = await goCommand();
  const command = [go, "mod", "download", "-json", module];
  return JSON.parse(await runCommand(command, { env: ENV })).Dir;
}

/** Builds the program whose source is in a folder. */
export async function goBuild(
  source: string,
  { to, ldflags }: { to: string; ldflags: string },
): Promise<void> {
  await runCommand([
    ...[await goCommand(), "build", ...FLAGS, "-buildvcs=false"],
    ...["-ldflags", ldflags, "-o", to, "."],
  ], { cwd: source, env: ENV });
}

/**
 * Finds Go: the machine's, or Debian's, unpacked without being installed.
 *
 * @throws {Error} when neither can be had.
 */
async function goCommand(): Promise<string> {
  for (const go of ["go", USUAL]) {
    if (await hasCommand(go) && await fetchesNewer(go)) return go;
  }
  const folder = await cached(
    `go-${DEBIAN.suite}`,
    (draft) => unpackPackages(DEBIAN.packages, DEBIAN, draft),
  );
  return join(folder, DEBIAN.path);
}

/** Whether it gets itself the release of Go that a program asks for. */
async function fetchesNewer(go: string): Promise<boolean> {
  const [, minor] = /go1\.(\d+)/.exec(await runCommand([go, "version"])) ?? [];
  return Number(minor) >= FETCHES_NEWER;
}
