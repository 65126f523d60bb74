/**
 * Peili's image as `deno task image` makes it, but on bases that are made of
 * this machine's files: no registry is asked for one.
 *
 * @module
 */
import { dirname, join } from "node:path/posix";
import deno from "../../deno.json" with { type: "json" };
import { projectCopy } from "../project_copy.ts";
import { runCommand } from "./command.ts";
import type { LabFolder } from "./folder.ts";

/** The name that nodes ask for. */
export const PEILI_IMAGE: string = `ghcr.io/peili/peili:${deno.version}`;

/** The name of the image that holds a pod's namespaces, as kubelet's has. */
export const PAUSE_IMAGE = "registry.k8s.io/pause:3.10";

/** Archives of both. */
export interface ImageArchives {
  /** Of Peili's image. */
  readonly peili: string;
  /** Of one that does nothing, for as long as it is let. */
  readonly pause: string;
}

/** Where the parts of an image are: where each goes, and where it comes from. */
export type ImageFiles = Readonly<Record<string, string>>;

/** The files without which a program does not start, itself left out. */
async function librariesOf(program: string): Promise<string[]> {
  const text = await runCommand(["ldd", program]);
  return text.matchAll(/(\/\S+) \(0x/g).map(([, path = ""]) => path).toArray();
}

/** Makes an image of these files, with what else a Containerfile says. */
async function imageOf(
  folder: string,
  name: string,
  { files, rest = "", arch, env }: {
    files: ImageFiles;
    rest?: string;
    /** As image platforms call it. @default {what this machine is} */
    arch?: string | undefined;
    env: Record<string, string>;
  },
): Promise<void> {
  const context = join(folder, "context", name);
  for (const [to, from] of Object.entries(files)) {
    const path = join(context, "files", to);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.copyFile(from, path);
  }
  const text = `FROM scratch\nCOPY files /\n${rest}`;
  await Deno.writeTextFile(join(context, "Containerfile"), text);
  await runCommand([
    ...["buildah", "build", "--quiet", `--tag=${name}`],
    ...(arch ? [`--platform=linux/${arch}`] : []),
    context,
  ], { env });
}

/** The images that Peili's is made of, as options of `deno task image`. */
export async function imageBases(
  folder: string,
  { program, libraries, arch, env }: {
    /** The path of Deno. */
    program: string;
    libraries: ImageFiles;
    arch?: string;
    env: Record<string, string>;
  },
): Promise<string[]> {
  const files = { "/deno": program };
  await imageOf(folder, "localhost/deno", { files, arch, env });
  await imageOf(folder, "localhost/base", { files: libraries, arch, env });
  return ["--base=localhost/base", "--deno=localhost/deno"];
}

/** Nothing of this machine's own images is touched, and nothing is fetched. */
export async function storageBelow(
  folder: string,
): Promise<Record<string, string>> {
  const path = join(folder, "storage.conf");
  const lines = [
    "[storage]",
    'driver = "vfs"', // it mounts nothing that could stay
    `graphroot = "${folder}/storage"`,
    `runroot = "${folder}/storage-run"`,
  ];
  await Deno.writeTextFile(path, lines.join("\n"));
  return { CONTAINERS_STORAGE_CONF: path, BUILDAH_ISOLATION: "chroot" };
}

/** Builds the images. They go with the lab. */
export async function imageArchives(lab: LabFolder): Promise<ImageArchives> {
  const folder = join(lab.path, "images");
  await Deno.mkdir(folder);
  const env = await storageBelow(folder);
  const program = Deno.execPath();
  const libraries = Object.fromEntries(
    (await librariesOf(program)).map((path) => [path, path]),
  );
  const bases = await imageBases(folder, { program, libraries, env });
  await imageOf(folder, PAUSE_IMAGE, {
    files: { ...libraries, "/sleep": "/usr/bin/sleep" },
    rest: 'ENTRYPOINT ["/sleep", "infinity"]\n',
    env,
  });
  const [peili, pause] = [join(folder, "peili.tar"), join(folder, "pause.tar")];
  await runCommand([
    ...["buildah", "push", "--quiet", PAUSE_IMAGE],
    `oci-archive:${pause}:${PAUSE_IMAGE}`,
  ], { env });
  await using copy = await projectCopy();
  const args = [...bases, `--out=${peili}`];
  const { code, text } = await copy.task("image", env, ...args);
  if (code !== 0) throw new Error(`Cannot make Peili's image: ${text}`);
  return { peili, pause };
}
