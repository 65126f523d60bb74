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

/** What this machine is called in image platforms. */
const ARCHITECTURE = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Runs buildah here, shows what it prints, and throws when it fails. */
async function buildah(...args: string[]): Promise<void> {
  const command = new Deno.Command("buildah", { args, cwd: ROOT });
  const { code } = await spawned(command).status;
  if (code !== 0) throw new Error(`Cannot buildah ${args[0]}: code ${code}`);
}

function spawned(command: Deno.Command): Deno.ChildProcess {
  try {
    return command.spawn();
  } catch (cause) {
    const said = "Cannot build an image: install buildah, or use docker buildx";
    throw new Error(said, { cause });
  }
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
      arch: { type: "string", default: ARCHITECTURE },
      name: { type: "string", default: `${REPOSITORY}:${deno.version}` },
      base: { type: "string" },
      deno: { type: "string" },
      out: { type: "string" },
    },
  });
  const { arch, name } = values;
  const file = values.out ?? `dist/peili-image-${deno.version}-${arch}.tar`;
  await buildah(
    ...["build", "--quiet", "--layers", "--format=oci", "--pull=false"],
    ...[`--platform=linux/${arch}`, ...bases(values)],
    ...["--file=deploy/Dockerfile", `--tag=${name}`, "."],
  );
  await buildah("push", "--quiet", name, `oci-archive:${file}:${name}`);
  const { size } = await Deno.stat(resolve(ROOT, file));
  await new Blob([`${file}: ${name}, ${Math.round(size / 1e6)} MB\n`]).stream()
    .pipeTo(Deno.stdout.writable);
}

await main(Deno.args);
