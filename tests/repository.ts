/**
 * The repository's files as the policy tests see them.
 *
 * @module
 */

/** The repository's folder. */
const ROOT: URL = new URL("../", import.meta.url);

/** Folders that tools make, as .gitignore names them. */
const MADE = new Set([
  ".git",
  ".bench",
  ".lab",
  "dist",
  "coverage",
  "node_modules",
]);

/** One tracked file. */
export interface RepositoryFile {
  /** Path from the repository's folder. */
  readonly path: string;
  readonly text: string;
}

/** Tracked files, and new ones that are not ignored; text only. */
export async function repositoryFiles(): Promise<RepositoryFile[]> {
  // An unpacked archive is no repository, and a bare system has no git.
  const paths = await listedByGit() ?? await pathsBelow("");
  const files = await Promise.all(paths.map(readText));
  return files.filter((file) => file !== null);
}

async function listedByGit(): Promise<string[] | null> {
  try {
    const { stdout, code } = await new Deno.Command("git", {
      cwd: ROOT,
      args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      stderr: "null",
    }).output();
    if (code !== 0) return null;
    return new TextDecoder().decode(stdout).split("\0")
      .filter((path) => path !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** All files below a folder, but for what tools put there. */
async function pathsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))
  ) {
    const path = folder + name;
    if (!isDirectory) paths.push(path);
    else if (!MADE.has(name)) paths.push(...await pathsBelow(`${path}/`));
  }
  return paths;
}

/** A file that is listed may be deleted and not yet committed as such. */
async function readText(path: string): Promise<RepositoryFile | null> {
  try {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    return text.includes("\0") ? null : { path, text };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A file's lines that are code; comments become empty, numbers stay. */
export function codeLines({ text }: RepositoryFile): string[] {
  let inComment = false;
  return text.split("\n").map((line) => {
    if (/^\s*\/\*/.test(line)) inComment = true;
    const wasComment = inComment;
    if (inComment && line.includes("*/")) inComment = false;
    return wasComment || /^\s*\/\//.test(line) ? "" : line;
  });
}

/** What a file imports, as written. */
export function importsOf(file: RepositoryFile): string[] {
  const code = codeLines(file).join("\n");
  const found = code.matchAll(
    /(?:\bfrom|^import|\bimport\()\s*"([^"\n]+)"/gm,
  );
  return Array.from(found, ([, specifier = ""]) => specifier);
}

/** The path from the repository's folder that a relative import names. */
export function importedPath(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** A function, by where it begins and how long it is. */
export interface MeasuredFunction {
  readonly line: number;
  /** Lines from its name to its end, without those of functions inside. */
  readonly lines: number;
}

/** A line that opens a function's body, as `deno fmt` writes it. */
const OPENS =
  /(?:\bfunction\b.*|=>|^\s*\)(?:: .*)?|^\s*(?!(?:if|for|while|switch|catch|return)\b)(?:async |static |get |set )*[#*]?[\w\]\[.]+\(.*\)(?:: .*)?) \{$/;

/** A signature of several lines begins above the line with the brace. */
function beginsAt(
  lines: readonly string[],
  brace: number,
  indent: string,
): number {
  if (!lines[brace]?.startsWith(`${indent})`)) return brace;
  const above = lines.slice(0, brace)
    .findLastIndex((line) =>
      line.startsWith(indent) && /^\S/.test(line.slice(indent.length))
    );
  return Math.max(above, 0);
}

/** Measures functions by the indentation that `deno fmt` gives them. */
export function functionsOf(file: RepositoryFile): MeasuredFunction[] {
  const lines = codeLines(file);
  const found = lines.flatMap((line, start) => {
    if (!OPENS.test(line) || /^\s*(?:\} )?(?:else|catch)\b/.test(line)) {
      return [];
    }
    const indent = /^\s*/.exec(line)?.[0] ?? "";
    const length = lines.slice(start + 1)
      .findIndex((other) => other.startsWith(`${indent}}`)) + 1;
    const begins = beginsAt(lines, start, indent);
    return [{ start: begins, end: start + length }];
  });
  return found.map(({ start, end }) => {
    const inner = found.filter((one) => one.start > start && one.end < end);
    const outermost = inner.filter((one) =>
      !inner.some((other) => other.start < one.start && other.end > one.end)
    );
    const theirs = outermost.reduce((sum, one) => sum + one.end - one.start, 0);
    return { line: start + 1, lines: end - start - theirs };
  });
}
