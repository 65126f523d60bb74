/** The content folder is the one that containerd uses, and can be read. @module */

import { dirname, join } from "node:path/posix";
import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, tell } from "../fix.ts";
import { contentRoot } from "../remedies.ts";

/** Checks the content folder. */
export function contentPath(facts: Facts): Check {
  const path = facts.options.containerdContentPath;
  return {
    name: "content-path",
    async run() {
      const root = await contentRoot(facts);
      const trouble = await unreadable(path);
      if (root === null || root === path) {
        return [
          trouble
            ? problem(trouble, [tell(`let Peili read ${path}, as root`)])
            : ok(`${path} is containerd's and can be read`),
        ];
      }
      // A pod may have it mounted elsewhere; the same folder is the same inode.
      if (!trouble && await sameFolder(path, root)) {
        return [ok(`${path} is ${root}, mounted here`)];
      }
      const why = trouble ? `; ${trouble}` : "";
      return [
        problem(`containerd's content is in ${root}, not in ${path}${why}`, [
          option("--containerd-content-path", root),
        ]),
      ];
    },
  };
}

async function unreadable(path: string): Promise<string | null> {
  try {
    for await (const _entry of Deno.readDir(join(path, "blobs"))) break;
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.NotFound) {
      // containerd makes both with its first blob.
      const comes = await isFolder(path) || await mayBeFolder(dirname(path));
      return comes ? null : `there is no ${path}`;
    }
    const why = error instanceof Error ? error.message : String(error);
    return `${path} cannot be read: ${why}`;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

/** True also for what this process may not look at. */
async function mayBeFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable;
  }
}

/** True also where containerd's own path is not to be seen from here. */
async function sameFolder(path: string, root: string): Promise<boolean> {
  try {
    const [mine, theirs] = [await Deno.stat(path), await Deno.stat(root)];
    return mine.ino === theirs.ino && mine.dev === theirs.dev;
  } catch (error) {
    return error instanceof Deno.errors.NotFound &&
      await isFolder(join(path, "blobs"));
  }
}
