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
    const go = await hasCommand("go") ? "go" : USUAL;
    if (!await hasCommand(go)) throw new Error("Cannot find Go");
    await runCommand([go, "install", "-tags", tags, ...programs], {
      env: { GOBIN: draft, CGO_ENABLED: "0" },
      cwd: draft,
    });
  });
}
