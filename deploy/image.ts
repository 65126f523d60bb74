/**
 * Builds Peili's image with buildah, and an archive of it for nodes that reach
 * no registry: `ctr images import` and `skopeo copy oci-archive:` read it.
 *
 *     deno task image [--arch amd64|arm64] [--name NAME] [--base IMAGE]
 *       [--deno IMAGE] [--out FILE]
 *
 * @module
 */
import { resolve } from "node:path/posix";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import deno from "../deno.json" with { type: "json" };

/** Where the image is published: what a node asks for. */
const REPOSITORY = "ghcr.io/peili/peili";

/** Go's names for what this Deno runs on. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Runs a program here, shows what it prints, and ends when it fails. */
async function run(program: string, ...args: string[]): Promise<void> {
  const command = new Deno.Command(program, { args, cwd: ROOT });
  const { code } = await command.spawn().status.catch((cause) => {
    throw new Error(`Cannot build an image: is ${program} installed?`, {
      cause,
    });
  });
  if (code !== 0) throw new Error(`Cannot ${program} ${args[0]}: code ${code}`);
}

/** The build arguments that name another base than the Dockerfile does. */
function bases(values: { base?: string; deno?: string }): string[] {
  const { base, deno } = values;
  return [
    ...(base ? [`--build-arg=BASE=${base}`] : []),
    ...(deno ? [`--build-arg=DENO=${deno}`] : []),
  ];
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      arch: {
        type: "string",
        default: ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch,
      },
      name: { type: "string", default: `${REPOSITORY}:${deno.version}` },
      base: { type: "string" },
      deno: { type: "string" },
      out: { type: "string" },
    },
  });
  const { arch, name } = values;
  const file = values.out ?? `dist/peili-image-${deno.version}-${arch}.tar`;
  await run(
    "buildah",
    ...["build", "--quiet", "--layers", "--format=oci", "--pull=missing"],
    ...[`--platform=linux/${arch}`, ...bases(values)],
    ...["--file=deploy/Dockerfile", `--tag=${name}`, "."],
  );
  await run("buildah", "push", "--quiet", name, `oci-archive:${file}:${name}`);
  const { size } = await Deno.stat(resolve(ROOT, file));
  await new Blob([`${file}: ${name}, ${Math.round(size / 1e6)} MB\n`]).stream()
    .pipeTo(Deno.stdout.writable);
}

await main(Deno.args);
