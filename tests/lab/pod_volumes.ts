/** The volumes of a pod on its node, made as kubelet makes them. @module */
import { join } from "node:path/posix";
import { runCommand } from "./command.ts";
import type { Node } from "./node.ts";
import { fieldOf, type PodPlace, type PodTemplate } from "./pod_spec.ts";

/** Secrets that a node may read, by name: their values by key. */
export type Secrets = Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

/** kubelet's own, where a volume says nothing. */
const FILE_MODE = 0o644;

/** Who a pod runs as does not matter to an emptyDir. */
const FOLDER_MODE = 0o777;

// deno-lint-ignore no-explicit-any -- it has the shape that Kubernetes gives it
type Volume = any;

/** Makes the volumes of a pod and gives the folder of each by its name. */
export async function makeVolumes(
  node: Node,
  { spec }: PodTemplate,
  { secrets, place }: { secrets: Secrets; place: PodPlace },
): Promise<Record<string, string>> {
  const own = await Deno.makeTempDir({ dir: node.path, prefix: "volumes-" });
  await Deno.chmod(own, 0o755);
  const folders: Record<string, string> = {};
  for (const volume of spec.volumes ?? []) {
    const path = join(own, volume.name);
    if (volume.hostPath) {
      folders[volume.name] = await hostFolder(node, volume);
      continue;
    }
    await Deno.mkdir(path);
    if (volume.secret) await fillSecret(path, volume.secret, secrets);
    else if (volume.emptyDir) await Deno.chmod(path, FOLDER_MODE);
    else if (volume.projected) await project(path, volume.projected, place);
    else throw new TypeError(`Cannot make the volume ${volume.name}`);
    folders[volume.name] = path;
  }
  return folders;
}

/** A folder of the node itself, as the node sees it. */
async function hostFolder(
  { containerd: { enter } }: Node,
  { name, hostPath: { path, type = "" } }: Volume,
): Promise<string> {
  if (type === "DirectoryOrCreate") {
    await runCommand([...enter, "mkdir", "-p", path]);
  } else if (type === "Directory") {
    await runCommand([...enter, "test", "-d", path]);
  } else throw new TypeError(`Cannot make the volume ${name}: type ${type}`);
  return path;
}

/**
 * A file for each key, behind two links: so kubelet changes all of them at once.
 */
async function fillSecret(
  path: string,
  { secretName, items, defaultMode = FILE_MODE }: Volume,
  secrets: Secrets,
): Promise<void> {
  const values = secrets[secretName];
  if (!values) throw new Error(`Cannot mount the secret ${secretName}: none`);
  const all = Object.keys(values).map((key) => ({ key, path: key }));
  await Deno.mkdir(join(path, "..first"));
  for (const { key, path: name } of items ?? all) {
    const file = join(path, "..first", name);
    await Deno.writeTextFile(file, values[key] ?? "");
    await Deno.chmod(file, defaultMode);
    await Deno.symlink(`..data/${name}`, join(path, name));
  }
  await Deno.symlink("..first", join(path, "..data"));
}

/** A token that no API gave, what the pod is, and nothing that need not be there. */
async function project(
  path: string,
  { sources }: Volume,
  place: PodPlace,
): Promise<void> {
  for (const { serviceAccountToken, downwardAPI, configMap } of sources) {
    if (serviceAccountToken) {
      const file = join(path, serviceAccountToken.path);
      await Deno.writeTextFile(file, "of no API server");
    } else if (downwardAPI) {
      for (const { path: name, fieldRef } of downwardAPI.items) {
        const text = fieldOf(fieldRef.fieldPath, place);
        await Deno.writeTextFile(join(path, name), text);
      }
    } else if (!configMap?.optional) {
      throw new TypeError("Cannot project what the lab does not have");
    }
  }
}
