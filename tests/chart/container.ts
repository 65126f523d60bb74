/**
 * Containers without a container runtime: a container's command, as the chart has
 * it, in a file system of its own that has Deno, the bundle, and what is mounted.
 *
 * @module
 */

import { join } from "node:path/posix";
import { bundled } from "../project_copy.ts";
import { runCommand } from "../lab/command.ts";

/** A path of the container, and what is there. */
export interface Mount {
  /** The folder outside. */
  readonly from: string;
  /** Where the container has it. */
  readonly at: string;
  readonly readOnly: boolean;
}

/** What a container is started with. */
export interface ContainerSpec {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly user: number;
  readonly group: number;
  /** Whether it has loopback for itself alone, and nothing else. */
  readonly alone?: boolean;
}

/** The image of this program; disposing of it removes it. */
export interface Image extends AsyncDisposable {
  /** Starts a container of it. */
  start(spec: ContainerSpec): Deno.ChildProcess;
}

/** What the image's Dockerfile sets. */
const ENV = {
  DENO_DIR: "/peili/cache",
  DENO_V8_FLAGS: "--max-semi-space-size=1,--optimize-for-size",
};

/**
 * Ends as the command that comes after `--`. Before it: who that runs as, a folder
 * for its root, and for each mount its folder, its path, and ro or rw. There is
 * nothing in it but what it needs, and nobody can write where nothing is mounted.
 */
const ENTER = `
set -eu
who=$1 root=$2 deno=$3
shift 3
[ -z "$ALONE" ] || ip link set lo up
mount -t tmpfs -o mode=755 none "$root"
cd "$root"
mkdir -p usr/bin proc dev
for folder in lib lib64; do
  [ -d /usr/$folder ] || continue
  mkdir usr/$folder
  mount --bind /usr/$folder usr/$folder
  ln -s usr/$folder $folder
done
: > usr/bin/deno
mount --bind "$deno" usr/bin/deno
mount --rbind /proc proc
mount --rbind /dev dev
while [ "$1" != -- ]; do
  mkdir -p ".$2"
  mount --bind "$1" ".$2"
  [ "$3" = rw ] || mount -o remount,bind,ro ".$2"
  shift 3
done
shift
mount -o remount,ro "$root"
unset ALONE
exec chroot --userspec="$who" --groups= "$root" "$@"
`;

/** Makes one, and starts it twice, as the Dockerfile does: Deno takes notes. */
export async function makeImage(): Promise<Image> {
  await using parts = new AsyncDisposableStack();
  const made = parts.use(await bundled());
  const folder = join(made.path, "image");
  const root = join(made.path, "root");
  for (const path of [folder, root]) await Deno.mkdir(path);
  await Deno.copyFile(made.bundle, join(folder, "peili.js"));
  const config = join(folder, "deno.json");
  await Deno.copyFile(join(made.path, "deno.json"), config);
  const program = { from: folder, at: "/peili" };
  const start = (spec: ContainerSpec, { readOnly }: { readOnly: boolean }) =>
    new Deno.Command("unshare", {
      args: argumentsOf(spec, { ...program, readOnly }, root),
      clearEnv: true,
      env: {
        ["PATH"]: "/usr/sbin:/usr/bin:/sbin:/bin",
        ALONE: spec.alone ? "yes" : "",
        ...ENV,
        ...spec.env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const version = commandWith("image", "version");
  for (let times = 0; times < 2; times++) {
    const spec = { argv: version, mounts: [], user: 0, group: 0 };
    const { code, stderr } = await start(spec, { readOnly: false }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  }
  await runCommand(["chmod", "-R", "a+rX", made.path]);
  const kept = parts.move();
  return {
    start: (spec) => start(spec, { readOnly: true }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The image's entry point with a permission set and arguments. */
function commandWith(set: string, ...args: string[]): string[] {
  return [
    ...["/usr/bin/deno", "run", "--quiet", "--no-prompt", "--cached-only"],
    ...["--no-lock", `-P=${set}`, "/peili/peili.js", ...args],
  ];
}

function argumentsOf(
  { argv, mounts, user, group, alone }: ContainerSpec,
  program: Mount,
  root: string,
): string[] {
  return [
    ...["--mount", "--propagation", "private", ...(alone ? ["--net"] : [])],
    ...["sh", "-c", ENTER, "sh", `+${user}:+${group}`, root, Deno.execPath()],
    ...[program, ...mounts].flatMap(({ from, at, readOnly }) => [
      ...[from, at, readOnly ? "ro" : "rw"],
    ]),
    "--",
    ...argv,
  ];
}
