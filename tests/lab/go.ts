/** Programs that Go builds into the lab's cache. @module */
import { cached } from "./cache.ts";
import { hasCommand, runCommand } from "./command.ts";

/** Where Go's own archive unpacks to. */
const USUAL = "/usr/local/go/bin/go";

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
    await runCommand(
      [await goCommand(), "install", "-tags", tags, ...programs],
      {
        env: { GOBIN: draft, CGO_ENABLED: "0" },
        cwd: draft,
      },
    );
  });
}

/**
 * The folder of a Go module's source, which Go keeps in its own cache.
 *
 * @param module PATH@VERSION.
 */
export async function goModule(module: string): Promise<string> {
  const go = await goCommand();
  const text = await runCommand([go, "mod", "download", "-json", module]);
  return JSON.parse(text).Dir;
}

/**
 * Finds Go.
 *
 * @throws {Error} when there is none.
 */
export async function goCommand(): Promise<string> {
  const go = await hasCommand("go") ? "go" : USUAL;
  if (!await hasCommand(go)) throw new Error("Cannot find Go");
  return go;
}
