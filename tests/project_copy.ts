/**
 * The program's source in a folder of its own, where tasks may write what they
 * make.
 *
 * @module
 */

import { ROOT } from "./program.ts";

/** What the program and its image are made of. */
const PARTS = [
  ".dockerignore",
  "deno.json",
  "deno.lock",
  "deploy",
  "main.ts",
  "mod.ts",
  "src",
];

/** How a task ended. */
export interface TaskEnd {
  readonly code: number;
  /** All that it printed. */
  readonly text: string;
}

/** A copy; disposing of it removes it, and what was made in it. */
export interface ProjectCopy extends AsyncDisposable {
  /** Its folder. */
  readonly path: string;
  /** What `deno task bundle` makes. */
  readonly bundle: string;
  /** Runs a task in it, with these variables and arguments. */
  task(
    name: string,
    env?: Readonly<Record<string, string>>,
    ...args: string[]
  ): Promise<TaskEnd>;
}

/** Copies the source. */
export async function projectCopy(): Promise<ProjectCopy> {
  const path = await Deno.makeTempDir({ prefix: "peili-copy-" });
  for (const part of PARTS) await copy(ROOT + part, `${path}/${part}`);
  return {
    path,
    bundle: `${path}/dist/peili.js`,
    async task(name, env = {}, ...args) {
      const { code, stdout, stderr } = await new Deno.Command(
        Deno.execPath(),
        {
          cwd: path,
          args: ["task", name, ...args],
          env: { NO_COLOR: "1", ...env },
        },
      ).output();
      const text = [stdout, stderr].map((bytes) =>
        new TextDecoder().decode(bytes)
      );
      return { code, text: text.join("") };
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/**
 * Copies the source and bundles it.
 *
 * @throws {Error} If the task fails
 */
export async function bundled(): Promise<ProjectCopy> {
  await using parts = new AsyncDisposableStack();
  const copy = parts.use(await projectCopy());
  const { code, text } = await copy.task("bundle");
  if (code !== 0) throw new Error(`Cannot bundle: ${text}`);
  parts.move();
  return copy;
}

async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copy(`${from}/${name}`, `${to}/${name}`);
  }
}
