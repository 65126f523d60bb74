/** What a container finds in its file system, as the kubelet makes it. @module */

import { dirname, join } from "node:path/posix";
import type { Mount } from "./container.ts";
import type { KubeObject } from "./helm.ts";

/** What of a pod's cluster and node its volumes are made of. */
export interface VolumeSources {
  /** The root file system of the pod's node. */
  readonly nodeRoot: string;
  /** A folder of the pod's own. */
  readonly podFolder: string;
  /** Makes a token of the pod's service account. */
  readonly token: () => Promise<string>;
  /** The file of the CA that knows the API. */
  readonly ca: string;
  /** Reads a Secret: texts by key. */
  readonly secret: (name: string) => Promise<Record<string, string>>;
}

// deno-lint-ignore no-explicit-any -- as the API describes it
type Described = any;

/** Makes what a container of a pod has mounted, and nothing that it has not. */
export async function mountsOf(
  pod: KubeObject,
  container: Described,
  sources: VolumeSources,
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, readOnly } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes.find((one: Described) => one.name === name);
    const from = await folderOf(volume, pod, sources);
    mounts.push({ from, at: mountPath, readOnly: readOnly === true });
  }
  return mounts;
}

async function folderOf(
  volume: Described,
  pod: KubeObject,
  sources: VolumeSources,
): Promise<string> {
  const own = join(sources.podFolder, volume.name);
  if (volume.hostPath) {
    const path = join(sources.nodeRoot, volume.hostPath.path);
    await Deno.mkdir(path, { recursive: true });
    return path;
  }
  await Deno.mkdir(own, { recursive: true });
  if (volume.emptyDir) await Deno.chmod(own, 0o777);
  else if (volume.secret) {
    const texts = await sources.secret(volume.secret.secretName);
    for (const { key, path } of volume.secret.items) {
      await Deno.writeTextFile(join(own, path), texts[key] ?? "");
      await Deno.chmod(join(own, path), volume.secret.defaultMode);
    }
  } else if (volume.projected) await project(volume, pod, sources, own);
  else throw new Error(`Cannot make the volume ${volume.name}`);
  return own;
}

async function project(
  { projected }: Described,
  pod: KubeObject,
  { token, ca }: VolumeSources,
  folder: string,
): Promise<void> {
  const write = async (path: string, text: string) => {
    await Deno.mkdir(join(folder, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  };
  for (const source of projected.sources) {
    if (source.serviceAccountToken) {
      await write(source.serviceAccountToken.path, await token());
    }
    for (const { path } of source.configMap?.items ?? []) {
      await write(path, await Deno.readTextFile(ca));
    }
    for (const { path, fieldRef } of source.downwardAPI?.items ?? []) {
      await write(path, fieldOf(pod, fieldRef.fieldPath, {}));
    }
  }
}

/** Addresses that only the node knows. */
export interface Addresses {
  readonly hostIP?: string;
  readonly podIP?: string;
}

/** What the downward API says of a pod. */
export function fieldOf(
  pod: KubeObject,
  path: string,
  { hostIP, podIP }: Addresses,
): string {
  const [, label] = /^metadata\.labels\['(.+)'\]$/.exec(path) ?? [];
  if (label) return pod.metadata.labels?.[label] ?? "";
  const known: Record<string, string | undefined> = {
    "metadata.namespace": pod.metadata.namespace,
    "spec.nodeName": pod.spec.nodeName,
    "status.hostIP": hostIP,
    "status.podIP": podIP,
  };
  const value = known[path];
  if (value === undefined) throw new Error(`Cannot say ${path} of a pod`);
  return value;
}

/** The variables of a container. */
export function variablesOf(
  pod: KubeObject,
  container: Described,
  addresses: Addresses,
): Record<string, string> {
  const all = (container.env ?? []).map(
    ({ name, value, valueFrom }: Described) => [
      name,
      valueFrom
        ? fieldOf(pod, valueFrom.fieldRef.fieldPath, addresses)
        : value ?? "",
    ],
  );
  return Object.fromEntries(all);
}

/** What a container runs, with its variables filled in. */
export function commandOf(
  { command, args = [] }: Described,
  variables: Readonly<Record<string, string>>,
): string[] {
  return [...command, ...args].map((word: string) =>
    word.replace(/\$\((\w+)\)/g, (whole, name) => variables[name] ?? whole)
  );
}
