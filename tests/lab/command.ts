/** Runs a short command to its end, and says in one line what went wrong. @module */

/** What may be set for one command. */
export interface CommandOptions {
  /** Text for its standard input. */
  stdin?: string;
  /** Variables beside those of this process. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/**
 * Runs `argv` and gives what it printed on standard output.
 *
 * @throws {Error} when it cannot be started or ends with another code than 0;
 * the message holds what it printed on standard error.
 */
export async function runCommand(
  argv: readonly string[],
  { stdin, env, cwd }: CommandOptions = {},
): Promise<string> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(env && { env }),
    ...(cwd && { cwd }),
  }).spawn();
  if (stdin !== undefined) {
    const text = new Blob([stdin]).stream();
    // A program that ends without reading says why by its code and its output.
    await text.pipeTo(child.stdin).catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    const said = decoder.decode(stderr).trim() || "it said nothing";
    throw new Error(`Cannot run ${argv.join(" ")}: code ${code}: ${said}`);
  }
  return decoder.decode(stdout);
}

/** Whether a program of this name is on the PATH. */
export async function hasCommand(name: string): Promise<boolean> {
  try {
    await runCommand(["sh", "-c", 'command -v "$1"', "sh", name]);
    return true;
  } catch {
    return false; // `command -v` ends with 127 for a name that it does not know
  }
}
