/** A program of the benchmark as Peili is shipped: one minified file. @module */

import { join } from "node:path/posix";
import { runCommand } from "../lab/command.ts";

/**
 * Bundles a program.
 *
 * @param entry Its file
 * @param folder Where the bundle goes
 * @returns The bundle
 */
export async function bundle(entry: string, folder: string): Promise<string> {
  const out = join(folder, `${entry.split("/").at(-1)}.js`);
  const flags = ["--quiet", "--minify", "--platform=deno", `--output=${out}`];
  await runCommand([Deno.execPath(), "bundle", ...flags, entry]);
  return out;
}
