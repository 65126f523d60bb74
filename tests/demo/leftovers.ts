/**
 * Finding what a demo left behind.
 *
 * @module
 */

/** A process, as the system lists it. */
export interface ListedProcess {
  readonly pid: number;
  /** Its arguments, separated by spaces. */
  readonly command: string;
}

/** Deno itself may not look into /proc; a bare system may have no ps. */
const LIST = `
if [ -d /proc/self ]; then
  for folder in /proc/[0-9]*; do
    echo "\${folder#/proc/} $(tr '\\0' ' ' < "$folder/cmdline")"
  done 2> /dev/null
else
  ps -axww -o pid=,args=
fi`;

/** Lists the processes that have a text in their arguments. */
export async function processesWith(text: string): Promise<ListedProcess[]> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", LIST] })
    .output();
  return new TextDecoder().decode(stdout).split("\n")
    .filter((line) => line.includes(text))
    .map((line) => {
      const [, pid, command = ""] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
      return { pid: Number(pid), command };
    });
}

/** Tells whether somebody listens on a port of loopback. */
export async function isOpen(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
