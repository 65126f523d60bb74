/** The folder for what is fetched or made once: containerds and images. @module */
import { dirname, join } from "node:path/posix";

/** Where the cache is: PEILI_LAB_CACHE, or below the user's cache folder. */
export function cacheFolder(): string {
  const { env } = Deno;
  const home = env.get("XDG_CACHE_HOME") ??
    join(env.get("HOME") ?? "/root", ".cache");
  return env.get("PEILI_LAB_CACHE") ?? join(home, "peili-lab");
}

/**
 * Gives a folder of the cache, which `make` fills the first time. It appears
 * whole or not at all, also when two processes make it at once.
 */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (await exists(folder)) return folder;
  await Deno.mkdir(dirname(folder), { recursive: true });
  const draft = await Deno.makeTempDir({
    dir: dirname(folder),
    prefix: "draft-",
  });
  await Deno.stderr.write(new TextEncoder().encode(`lab: making ${folder}\n`));
  try {
    await make(draft);
    await Deno.chmod(draft, 0o755);
    await Deno.rename(draft, folder);
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    if (!await exists(folder)) throw error; // somebody else was faster
  }
  return folder;
}

/** Whether there is a file or folder of this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
